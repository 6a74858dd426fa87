"""What happens inside a Transformer on one text.

`forward_pass` records attention weights and the residual stream; `logit_lens` reads each layer with the final head;
`head_roles` says what heads look at, `contributions` who wrote a logit; `ablation` switches parts off;
`interventions` change the text or the mask and measure what follows. Only a `Transformer` can be inspected.
"""

from lm_core.inspection.forward_pass import Inspection, inspect

__all__ = ["Inspection", "inspect"]
