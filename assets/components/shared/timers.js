// Every wait of the components, in milliseconds, with its reason. A browser may be given other values as
// `globalThis.timers` before the page loads; tests do, where the wait is not what they are about.

export const timers = {
  left: 5_000, // after a click on a link: by then the next page is there, and what was drawn before it is gone
  lost: 5_000, // an answer to the prompt box that is lost must not silence the box
  listen: 250, // between two looks of the box at whether the server still listens
  blur: 200, // after which leaving the box counts as leaving the text as it is
  idle: 2_000, // without a key, after which a text counts as finished
  settle: 400, // after the last key on a slider: a key held down is one change
  rest: 120, // after the last change of a bar: what only a resting hand can read is written then
  tick: 350, // between two pictures of a playing training run
  resend: 8_000, // a lost answer to an act must not stop a play for good
  unsure: 30_000, // for as long a message may have been lost when the connection broke
  scene: 1_000, // a scene asked for while the line was cut is asked for again
  look: 25, // between two looks at whether the next scene is drawn
  transition: 3_500, // a browser ends a transition after four seconds by itself
  download: 10_000, // after which the memory of a file that was saved is given back
  ...globalThis.timers,
};
