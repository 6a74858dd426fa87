"""Text in, token ids out.

`tokenizers` turn text into ids and back; `prompt` prepares what a visitor typed, chats included. `corpus` holds texts
to learn from: uploads, and those that `grammar`, `arithmetic_task` and `syntax_task` generate. `logit_parser` reads
pasted logits.
"""
