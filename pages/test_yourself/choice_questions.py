"""Questions of the test with options to choose from; the first of each list is right, and a seed shuffles them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One question; `page` is where it can be seen."""

    text: str
    options: tuple[str, ...]
    because: str
    page: str


CHOICES = {
    "one-job": Choice(
        "What does a language model give for a text?",
        ("A probability for every token of its vocabulary", "The one token that comes next",
         "The most similar sentence it was trained on", "A whole paragraph, which is then cut up"),
        "It gives one distribution over all tokens. Taking a token from it is the next step, and not the model’s.",
        "next_token",
    ),
    "omitted": Choice(
        "A table lists four candidates with 85 %, 10 %, 3 % and 0.0001 %. What about all other tokens?",
        ("They share the 1.9999 % that is left", "Their probability is 0", "They are not in the vocabulary",
         "They share 100 % among themselves"),
        "A list is an excerpt. The whole vocabulary sums to 100 %, and what is not listed has the rest.",
        "next_token",
    ),
    "context": Choice(
        "You add one word to the end of a prompt. What happens to the next-token distribution?",
        ("It is computed anew from the whole context", "The old one is sorted again", "Only its first bar changes",
         "Nothing, until a token is drawn"),
        "There is no stored answer for a phrase. “The package left the” and “… the regional” lead to different bars.",
        "next_token?prompt=The package left the&b=The package left the regional",
    ),
    "chain-rule": Choice(
        "How does the probability of a whole text follow from next-token probabilities?",
        ("It is their product, one factor a token", "It is their sum", "It is the smallest of them",
         "It cannot be known from them"),
        "That is the chain rule of probability. It is exact and assumes nothing about the model.",
        "loss",
    ),
    "shift": Choice(
        "You add 7 to every logit. What does softmax give then?",
        ("The same probabilities", "Probabilities seven times as large", "A flatter distribution",
         "A sharper distribution"),
        "Softmax sees only differences between logits. A constant cancels.",
        "temperature?from=bot",
    ),
    "overflow": Choice(
        "Why does code subtract the largest logit before it takes exponentials?",
        ("So that no exponential overflows", "So that the probabilities sum to 1", "To make the distribution sharper",
         "To remove tokens that are unlikely"),
        "The largest exponent becomes e^0 = 1. The probabilities stay as they are, since only differences count.",
        "temperature?from=pasted&logits=a 1000%0Ab 999",
    ),
    "sharpen": Choice(
        "Temperature goes from 1 to 0.5. What happens?",
        ("Gaps between logits double: the leader gains", "Gaps halve: the bars become more alike",
         "The tokens change their order", "The model gives other logits"),
        "Logits are divided by T. Below 1 that stretches the gaps, and softmax makes the leader lead by more.",
        "temperature?from=bot&t=0.5",
    ),
    "argmax": Choice(
        "Which token has the largest probability at T = 2, compared with T = 1?",
        ("The same one, with a smaller share", "The one that was second", "It depends on the seed",
         "None: at T = 2 all are alike"),
        "Dividing by T keeps the order of the logits. Only the gaps change.",
        "temperature?from=bot&t=2",
    ),
    "zero": Choice(
        "What does T = 0 mean in practice?",
        ("Greedy decoding: take the likeliest token, divide by nothing", "Logits are divided by zero",
         "All tokens become equally likely", "The model is switched off"),
        "The formula needs T above 0. Zero is treated as greedy decoding in code.",
        "temperature?from=bot&t=0",
    ),
    "rounded": Choice(
        "At T = 0.5 a program prints 0.000 for three of five tokens. What is true?",
        ("They are still possible: the figures are rounded", "They can never be drawn", "The softmax has an error",
         "They have left the vocabulary"),
        "Softmax never gives exactly 0. The three are 0.0319 %, 0.0043 % and 0.0006 %.",
        "temperature?from=bot&t=0.5",
    ),
    "blind": Choice(
        "Why can a bigram not tell “the package left the” from “the customer left the”?",
        ("It looks at the last token alone", "It has never seen a customer", "Both have the same length",
         "It does not know where a text begins"),
        "Both end in “the”, so both select the same row of counts.",
        "bigram_counts?corpus=log",
    ),
    "unseen": Choice(
        "A text holds one pair that an unsmoothed table never saw. Its perplexity is …",
        ("infinite", "1", "the size of the vocabulary", "the mean over all other pairs"),
        "One factor is 0, so the product is 0, its logarithm −∞ and the perplexity infinite.",
        "bigram_counts?corpus=six&row=3&sentence=package left depot",
    ),
    "sharing": Choice(
        "Smoothing removes the zeros of a count table. What does it not change?",
        ("Rows still learn nothing from each other", "Rows still hold zeros", "Rows still do not sum to 1",
         "Frequent pairs still lose nothing"),
        "A message about a parcel teaches the row of “package” nothing. A network shares its weights between contexts.",
        "bigram_counts?corpus=six&row=3&next=4&k=1",
    ),
    "sparsity": Choice(
        "Why are counts of long contexts of so little use?",
        ("Most exact long contexts are never seen, or once", "Long contexts hold less information",
         "Counting them takes too long", "Their rows sum to more than 1"),
        "The number of possible contexts grows with every word, and the text does not.",
        "bigram_counts?corpus=log&order=3",
    ),
    "shared-weights": Choice(
        "What does a neural n-gram have in place of a row of counts for every context?",
        ("One set of weights that serves all contexts", "A longer table", "A list of the likeliest sentences",
         "A row for each pair of contexts"),
        "Embeddings and an MLP turn any context into logits, also one that never occurred.",
        "training?net=ngram",
    ),
    "forcing": Choice(
        "What stands before position t while a model is trained by teacher forcing?",
        ("The true tokens of the text", "The tokens the model guessed itself", "Tokens drawn at temperature 1",
         "Nothing: each position stands alone"),
        "The history is always the true one, so a model never goes on from its own mistakes while it learns.",
        "loss",
    ),
    "parallel": Choice(
        "Why can training score all positions of a text in one pass, when generation needs one pass a token?",
        ("In training all tokens are known beforehand", "Training uses a smaller model",
         "Training leaves out the causal mask", "Generation uses a larger vocabulary"),
        "Each next token of a generated text has to be chosen before the following one can be asked for.",
        "inside_the_transformer?look=pass",
    ),
    "honest": Choice(
        "A Transformer is trained without its causal mask. Its training loss falls almost to 0. Why?",
        ("Each position can read the token it has to predict", "It has found the rules of the language",
         "The learning rate was well chosen", "It has learned the text by heart"),
        "Without the mask the target stands in what is read. As soon as it has to write, it knows nothing.",
        "training?net=unmasked",
    ),
    "one-hot": Choice(
        "The target is one-hot. What is left of the cross-entropy at one position?",
        ("−ln p of the token that came", "The sum of −ln p over all tokens", "1 − p of the token that came",
         "The rank of the token that came"),
        "All other targets are 0, so all other terms are 0.",
        "loss",
    ),
    "certain": Choice(
        "A perplexity of 1 over a text means …",
        ("that the model was certain of every token, and right", "that one token was surprising",
         "that the text has one token", "that the model guessed at random"),
        "Mean loss 0, e^0 = 1. A uniform guess among V tokens has perplexity V.",
        "loss?look=four&p=1,1,1,1",
    ),
    "comparable": Choice(
        "When may the perplexities of two models be compared?",
        ("Same tokenizer, same tokens scored, same average", "Whenever both read the same language",
         "When both have as many parameters", "Always: it is a pure number"),
        "Perplexity is per token. Where tokens differ, bits per byte can be compared.",
        "loss?look=models",
    ),
    "loops": Choice(
        "Greedy decoding always gives the same text. What else tends to happen?",
        ("It falls into loops and repeats itself", "It ends at once", "It becomes incoherent",
         "It needs a seed"),
        "What was just written makes its own repetition likely. A penalty or sampling leads out.",
        "generation?prompt=Order shipped from the&t=0&steps=40",
    ),
    "eos": Choice(
        "How does a model say that a text is finished?",
        ("With an end token, an entry of the vocabulary with its own probability", "With an empty string",
         "It cannot: only the server ends a text", "With a probability of 0 for all tokens"),
        "The end is one more token. A limit, a stop string or a policy can end a text before it comes.",
        "generation?with=transformer&t=0&steps=12",
    ),
    "decoder": Choice(
        "Two programs use one model and one prompt, and write different texts. What may differ?",
        ("The decoding strategy: temperature, filters, seed", "Nothing: the model decides the text",
         "The tokenizer’s vocabulary", "The model’s logits for that prompt"),
        "The model gives a distribution. The decoder says how much to gamble on it.",
        "generation",
    ),
    "same-seed": Choice(
        "What makes sampling repeatable?",
        ("The same seed, prompt, model and settings", "A low temperature alone", "A long prompt",
         "It cannot be repeated"),
        "The seed fixes the random numbers, and with them every draw.",
        "temperature?from=parcel&t=1.4&seed=4",
    ),
    "support": Choice(
        "A support bot should say the same thing to everybody. Which temperature suits it?",
        ("Close to 0", "1.5", "2, with many seeds", "It does not matter"),
        "Low temperature stays with the likeliest wording. Varied drafts want a higher one, at some risk.",
        "temperature?from=bot",
    ),
    "cache-saves": Choice(
        "What does a KV cache save?",
        ("Computing keys and values of earlier tokens again", "Attending to earlier tokens", "Reading the weights",
         "Memory"),
        "A new token still attends to all earlier ones. Their keys and values are there already, and take memory.",
        "kv_cache",
    ),
    "prefill": Choice(
        "When is the first new token known?",
        ("At the end of prefill", "After the first decode step", "When the cache is full", "Before prefill"),
        "The last position of the prompt gives it. N new tokens take one prefill and N − 1 decode steps.",
        "kv_cache",
    ),
    "gqa": Choice(
        "A model has 32 query heads and 8 KV heads. Against 32 KV heads, its cache is …",
        ("a quarter as large", "as large", "four times as large", "an eighth as large"),
        "The cache holds keys and values for KV heads alone. Query heads do not count.",
        "kv_cache_calculator?arch=llama-3.1-8b&n=32768",
    ),
    "bert": Choice(
        "A blank in the middle of a sentence has to be filled, and what follows it matters. Which objective fits?",
        ("Masked language modelling: it reads both sides", "Causal language modelling: it reads from the left",
         "Counting pairs", "Greedy decoding"),
        "A causal model is blind to the right side. For writing on, it is the one that fits.",
        "inside_the_transformer?look=sides",
    ),
    "evidence": Choice(
        "With a policy in the context, “refundable” rises from under 1 % to over 40 %. What has been shown?",
        ("That the context moves probability", "That the policy is true", "That the model has checked the policy",
         "That the model knew it before"),
        "The opposite policy moves it as well. Probability is not evidence: cite the source.",
        "limits?look=policy",
    ),
    "database": Choice(
        "You ask a model about an order that nobody placed. What does it do?",
        ("It goes on with something likely", "It says that there is no such order", "It looks the order up",
         "It gives every token the same probability"),
        "There is no table of orders inside. What it needs to know has to be put into its context.",
        "limits?look=lookup",
    ),
    "careful": Choice(
        "Which sentence do measurements carry?",
        ("It can learn features that track structure; each ability has to be measured", "It understands the world",
         "It only repeats what it has read", "With enough text, reasoning is guaranteed"),
        "A small Transformer subtracts most held-out sums, a far larger one does not. Only a test could say which.",
        "limits?look=claims",
    ),
    "window": Choice(
        "Prompt and answer together outgrow the context window. What can a server do?",
        ("Reject, stop, cut the beginning or summarise", "Nothing: the model stretches", "Lower the temperature",
         "Use a smaller vocabulary"),
        "The window is what the model can attend to. Whatever is cut is gone for it.",
        "generation?prompt=Once upon a time&t=0&window=32&full=truncate left&steps=60",
    ),
}  # fmt: skip
