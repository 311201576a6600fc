// One connection for all tabs of a browser, which allows six to a server.
"use strict";
const ports = new Set();
let last = null;
let source = null;

function tell(message) {
  last = message;
  for (const port of ports) port.postMessage(message);
}

function connect() {
  source = new EventSource("/live");
  source.addEventListener("change", (event) => {
    const [version, pulse] = event.data.split(" ");
    tell({ state: "on", version, pulse });
  });
  source.addEventListener("error", () => {
    tell({ ...(last || {}), state: "off" });
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
}

self.addEventListener("connect", (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.addEventListener("message", (sent) => {
    if (sent.data === "bye") ports.delete(port);
  });
  port.start();
  if (source === null) connect();
  else if (last) port.postMessage(last);
});
