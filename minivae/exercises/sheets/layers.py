"""Exercises on a layer: the dense layer's three gradients, and the activations, differentiated from their output."""

from ...kernels import dense, dense_backward, relu, tanh
from ..exercise import Exercise
from ..judges.backward import Backward

_JUDGE = Backward(dense, {"x": "BI", "W": "IO", "b": "O"})
_EQUATIONS = {"dx": "5.4", "dW": "5.5", "db": "5.6"}
_CALLS = ("kernels:dense_backward",)


def _dense_dx(dy, W):
    return dense_backward(dy, dy @ W.T, W)[0]


def _dense_dW(dy, x):
    return dense_backward(dy, x, x.T @ dy)[1]


def _dense_db(dy):
    return dense_backward(dy, dy, dy[:1].T @ dy[:1])[2]


EXERCISES = (
    Exercise(
        name="dense_dx", signature="dy, W -> dx", shapes="dy (B, O), W (I, O), dx (B, I)",
        notebook=5, place=1, difficulty=1, minutes=10,
        statement="A dense layer computes y = x W + b. Given the upstream gradient dy = ∂loss/∂y, return dx = "
                  "∂loss/∂x.",
        hints=("Write out one number of the output: y[n, o] = Σ_i x[n, i] W[i, o] + b[o]. In which of them does x[n, "
               "i] occur?",
               "x[n, i] occurs in y[n, o] for every o, with the factor W[i, o]. Sum over o.",
               "Which product of a (B, O) and an (I, O) matrix is (B, I)? The shapes leave only one."),
        insight="Forward multiplies by W, backward by its transpose; the layer's Jacobian is never written down.",
        equations=_EQUATIONS, judge=_JUDGE, answer="exercises.sheets.layers:_dense_dx", calls=_CALLS),
    Exercise(
        name="dense_dW", signature="dy, x -> dW", shapes="dy (B, O), x (B, I), dW (I, O)",
        notebook=5, place=2, difficulty=1, minutes=10,
        statement="For the same layer, y = x W + b, return dW = ∂loss/∂W.",
        hints=("In which y[n, o] does the number W[i, o] occur, and with which factor?",
               "In one for each example n. A weight that every example uses receives a gradient from every example.",
               "The 1/B of a mean loss is already in dy: do not divide again."),
        insight="Every example uses W, so its gradient is a sum over the batch, and the matrix product is that sum.",
        equations=_EQUATIONS, judge=_JUDGE, answer="exercises.sheets.layers:_dense_dW", calls=_CALLS),
    Exercise(
        name="dense_db", signature="dy -> db", shapes="dy (B, O), db (O,)",
        notebook=5, place=3, difficulty=1, minutes=5,
        statement="For the same layer, y = x W + b, return db = ∂loss/∂b.",
        hints=("NumPy adds the same b to every row. How many times is b[o] used?",
               "Once for each example. Along which axis of dy do the examples lie?"),
        insight="What broadcasting repeats in the forward, the backward sums.",
        equations=_EQUATIONS, judge=_JUDGE, answer="exercises.sheets.layers:_dense_db", calls=_CALLS),
    Exercise(
        name="dense_backward", signature="dy, x, W -> dx, dW, db",
        shapes="dy (B, O), x (B, I), W (I, O), dx (B, I), dW (I, O), db (O,)",
        notebook=5, place=4, difficulty=1, minutes=5,
        statement="The whole backward of the dense layer: dx, dW and db, in this order.",
        hints=("It is the last three exercises in one function.",
               "Keep the order of the forward's arguments: x, W, b."),
        insight="These three lines differentiate every layer of the encoder and the decoder.",
        equations=_EQUATIONS, judge=_JUDGE, answer="kernels:dense_backward"),
    Exercise(
        name="tanh_backward", signature="dy, y -> da", shapes="dy (B, H), y (B, H), da (B, H)",
        notebook=5, place=5, difficulty=1, minutes=5,
        statement="y = tanh(a), elementwise. Return da = ∂loss/∂a, given dy and the forward's **output** y; a itself "
                  "is not kept.",
        hints=("What is the derivative of tanh(a)? One of its forms needs tanh(a) alone.",
               "tanh(a) is the y that you are given: do not apply tanh again.",
               "Each number of the output depends on one number of the input, so the chain rule is an elementwise "
               "product."),
        insight="The output is enough, so the forward need not keep its input.",
        equations={"": "5.10"}, judge=Backward(tanh, {"a": "BH"}, lambda dy, a: {"y": tanh(a)}),
        answer="kernels:tanh_backward"),
    Exercise(
        name="relu_backward", signature="dy, y -> da", shapes="dy (B, H), y (B, H), da (B, H)",
        notebook=5, place=6, difficulty=1, minutes=5,
        statement="y = max(a, 0), elementwise. Return da = ∂loss/∂a, given dy and the forward's **output** y.",
        hints=("Where a was positive, y moves with it one for one. Where it was negative, y does not move at all.",
               "How can you tell from y where a was positive? y is never negative; what does y = 0 mean?"),
        insight="A gate: where the unit was on, the gradient passes; where it was off, it is 0.",
        equations={"": "5.11"}, judge=Backward(relu, {"a": "BH"}, lambda dy, a: {"y": relu(a)}),
        answer="kernels:relu_backward"),
)
