// Starts the language server `inception-dsl lsp`, and connects VS Code to it.
const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

/** @type {LanguageClient | undefined} */
let client;

/** Start the server; a message says what is missing where it cannot be started. */
async function start() {
  const [command, ...args] = workspace.getConfiguration("inception-dsl").get("command");
  const cwd = workspace.workspaceFolders?.[0]?.uri.fsPath;
  client = new LanguageClient(
    "inception-dsl",
    "inception-dsl",
    { command, args, options: { cwd } },
    {
      // every YAML file: the server itself tells specs from other files by their keys
      documentSelector: [{ language: "yaml" }, { language: "inception-dsl" }],
      synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.{yaml,yml}") },
    },
  );
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    window.showErrorMessage(
      `inception-dsl: \`${[command, ...args].join(" ")}\` does not start (${error.message}). ` +
        "Install it with `pip install 'inception-dsl[lsp]'`, or set `inception-dsl.command`.",
    );
  }
}

/** Stop the server, if it runs. */
async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    commands.registerCommand("inception-dsl.restart", restart),
    workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("inception-dsl.command") && restart()),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
