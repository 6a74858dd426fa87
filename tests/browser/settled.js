// Added to every page a test opens: listens to the wire between page and server, so that a test can wait until nothing
// is asked, running or undrawn, instead of waiting for a while.
(() => {
  const wire = (globalThis.wire = { asked: true, running: false, still: 0 });
  const RERUN = 11, NEW_SESSION = 4, FINISHED = 6, EARLY = 2; // fields of BackMsg and ForwardMsg; a finish that runs again

  // The fields of a protobuf message's outermost level: number -> value, for those that are whole numbers, else true.
  const fields = (bytes) => {
    const found = new Map();
    let at = 0;
    const varint = () => {
      let value = 0, scale = 1, byte;
      do { byte = bytes[at++]; value += (byte & 127) * scale; scale *= 128; } while (byte & 128);
      return value;
    };
    while (at < bytes.length) {
      const tag = varint();
      if ((tag & 7) === 0) found.set(tag >>> 3, varint());
      else if ((tag & 7) === 2) { const length = varint(); at += length; found.set(tag >>> 3, true); }
      else break;
    }
    return found;
  };

  const Real = globalThis.WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        const said = fields(new Uint8Array(data));
        if (said.has(NEW_SESSION)) Object.assign(wire, { asked: false, running: true });
        if (said.has(FINISHED)) wire.running = said.get(FINISHED) === EARLY;
      });
    }
    send(data) {
      if (ArrayBuffer.isView(data) && fields(data).has(RERUN)) wire.asked = true;
      super.send(data);
    }
  };

  // Whether everything asked for is answered and drawn, and was at the last looks too.
  wire.settled = () => {
    const app = document.querySelector('[data-testid="stApp"]');
    const idle = !wire.asked && !wire.running && app?.dataset.testScriptState === "notRunning";
    const drawn = () => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')].every((e) => e.dataset.drawn)
      && !document.querySelector('[data-testid="stSkeleton"]') && document.querySelector("h1");
    wire.still = idle && drawn() ? wire.still + 1 : 0;
    return wire.still > 2;
  };
})();
