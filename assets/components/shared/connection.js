// The connection between browser and server. Streamlit says on the app's element whether there is one, and drops what
// is sent while there is none.

const STATE = "data-test-connection-state";
const callbacks = [];
let connected = true;

export function isConnected() {
  const state = document.querySelector(`[${STATE}]`)?.getAttribute(STATE);
  return state === undefined || state === "CONNECTED";
}

// Calls back whenever a connection that was lost is there again.
export function onReconnect(callback) {
  callbacks.push(callback);
}

new MutationObserver(() => {
  const before = connected;
  connected = isConnected();
  if (connected && !before) callbacks.forEach((callback) => callback());
}).observe(document, { attributeFilter: [STATE], subtree: true });
