// A real server in a folder of its own, to be killed and started again on the same port.
import { spawn } from "node:child_process";

const READY = /Rookery is ready: (http:\/\/\S+)/;

export class Server {
  constructor(program, folder) {
    this.program = program;
    this.folder = folder;
    this.listen = "127.0.0.1:0";
  }

  async start() {
    this.process = spawn(this.program, ["--data", this.folder, "--listen", this.listen], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.url = await new Promise((resolve, reject) => {
      let said = "";
      this.process.stdout.on("data", (data) => {
        said += data;
        const [, url] = READY.exec(said) ?? [];
        if (url) resolve(url);
      });
      this.process.on("exit", (code) => reject(new Error(`the server ended: ${code}`)));
    });
    this.listen = new URL(this.url).host;
  }

  /** As a power cut would. */
  async kill() {
    if (!this.process || this.process.exitCode !== null) return;
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await gone;
  }
}
