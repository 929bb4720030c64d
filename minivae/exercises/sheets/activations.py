"""Exercises on the activations, differentiated from their output."""

from ...kernels import relu, relu_backward, tanh, tanh_backward
from ..backward import Backward
from ..exercise import Exercise

EXERCISES = (
    Exercise(
        name="tanh_backward", signature="dy, y -> da", shapes="dy (B, H), y (B, H), da (B, H)",
        notebook=5, place=5, difficulty=1, minutes=5,
        statement="y = tanh(a), number by number. Return da = ∂loss/∂a, given dy and the forward's **output** y; a itself "
                  "is not kept.",
        hints=("What is the derivative of tanh(a)? One of its forms needs tanh(a) alone.",
               "tanh(a) is the y that you are given: a second tanh would be one too many.",
               "Each number of the output depends on one number of the input: the chain rule is a product, number by "
               "number."),
        insight="The output is enough, so the forward need not keep what came in.",
        equations={"": "5.7"}, judge=Backward(tanh, {"a": "BH"}, lambda dy, a: {"dy": dy, "y": tanh(a)}),
        reference=lambda dy, y: tanh_backward(dy, y), built_from=("kernels:tanh_backward",)),
    Exercise(
        name="relu_backward", signature="dy, y -> da", shapes="dy (B, H), y (B, H), da (B, H)",
        notebook=5, place=6, difficulty=1, minutes=5,
        statement="y = max(a, 0), number by number. Return da = ∂loss/∂a, given dy and the forward's **output** y.",
        hints=("Where a was positive, y moves with it one for one. Where it was negative, y does not move at all.",
               "How can you tell from y where a was positive? y is never negative; mind what 0 means."),
        insight="A gate: what was on lets the gradient through, what was off holds it back.",
        equations={"": "5.9"}, judge=Backward(relu, {"a": "BH"}, lambda dy, a: {"dy": dy, "y": relu(a)}),
        reference=lambda dy, y: relu_backward(dy, y), built_from=("kernels:relu_backward",)),
)
