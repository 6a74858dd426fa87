"""How much memory a KV cache takes, for any model, engine and load: whole numbers, no torch, no network."""

from lm_core.kv_sizing.bandwidth import Bound as Bound
from lm_core.kv_sizing.bandwidth import crossing as crossing
from lm_core.kv_sizing.bandwidth import per_token as per_token
from lm_core.kv_sizing.config_import import from_config as from_config
from lm_core.kv_sizing.config_import import from_text as from_text
from lm_core.kv_sizing.curve import Curve as Curve
from lm_core.kv_sizing.curve import curves as curves
from lm_core.kv_sizing.dtypes import DTYPES as DTYPES
from lm_core.kv_sizing.fleet import layouts as layouts
from lm_core.kv_sizing.geometry import Geometry as Geometry
from lm_core.kv_sizing.geometry import LayerGroup as LayerGroup
from lm_core.kv_sizing.gguf_header import from_gguf as from_gguf
from lm_core.kv_sizing.gpus import GPUS as GPUS
from lm_core.kv_sizing.gpus import gpu as gpu
from lm_core.kv_sizing.mistakes import mistakes as mistakes
from lm_core.kv_sizing.presets import names as names
from lm_core.kv_sizing.presets import preset as preset
from lm_core.kv_sizing.report import as_json as as_json
from lm_core.kv_sizing.sizing import ENGINES as ENGINES
from lm_core.kv_sizing.sizing import Sizing as Sizing
from lm_core.kv_sizing.sizing import engine as engine
from lm_core.kv_sizing.sizing import size as size
from lm_core.kv_sizing.solve import Budget as Budget
from lm_core.kv_sizing.solve import fitting_dtypes as fitting_dtypes
from lm_core.kv_sizing.solve import max_context as max_context
from lm_core.kv_sizing.solve import max_sequences as max_sequences
