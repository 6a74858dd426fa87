"""What happens inside a Transformer on one text.

`forward_pass` records attention weights and the residual stream; `logit_lens` reads each layer with the final head;
`attention_scores` works one weight out; `head_roles` says what heads look at, `contributions` who wrote a logit;
`interventions` switch parts off, cut arrows and put other streams in place, `patching` does so for every cell;
`causal_mask` changes the text or the mask and measures what follows. Only a `Transformer` can be inspected.
"""

from lm_core.inspection.forward_pass import Inspection, inspect

__all__ = ["Inspection", "inspect"]
