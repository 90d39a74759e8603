// The server that plays a provider. It ends with whoever started it: its input ends then.
process.stdin.on("end", () => process.exit(0)).resume();
await import("./node_modules/@copilotkit/aimock/dist/cli.js");
