"""How good a model is: the ELBO and its parts, log p(x), how far to trust them, and models with a known log p(x)."""

from .active import active_units, unit_activity
from .aggregate import KLParts, aggregate_log_density, kl_parts
from .annealed import (
    Annealed, Bracket, annealed_estimate, annealed_log_evidence, bracket, temperature_schedule,
)
from .curve import BoundCurve, bound_curve
from .elbo import evaluate_elbo
from .exact import PPCA, exact_log_evidence, exact_posterior, ppca, quadrature_log_evidence
from .importance import Evidence, evidence_of, importance_estimate, log_evidence
from .summary import as_text, doubt, evaluate, evaluate_annealed

__all__ = ["Annealed", "BoundCurve", "Bracket", "Evidence", "KLParts", "PPCA", "active_units", "aggregate_log_density",
           "annealed_estimate", "annealed_log_evidence", "as_text", "bound_curve", "bracket", "doubt", "evaluate",
           "evaluate_annealed", "evaluate_elbo", "evidence_of", "exact_log_evidence", "exact_posterior",
           "importance_estimate", "kl_parts", "log_evidence", "ppca", "quadrature_log_evidence",
           "temperature_schedule", "unit_activity"]
