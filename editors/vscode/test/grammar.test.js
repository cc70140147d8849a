// The grammar inside VS Code's own YAML grammar, on specs of this repository.
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const SYNTAXES = path.join(__dirname, "..", "syntaxes");
const FILES = {
  "source.inception-dsl": "spec.tmLanguage.json",
  "source.inception-dsl.blocks": "blocks.tmLanguage.json",
  "inception-dsl.injection": "injection.tmLanguage.json",
};

function read(scope) {
  const own = FILES[scope];
  const file = own ? path.join(SYNTAXES, own) : require.resolve(`tm-grammars/grammars/${scope.split(".").pop()}.json`);
  return textmate.parseRawGrammar(fs.readFileSync(file, "utf8"), file);
}

async function grammar(scope) {
  const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (name) => (name === "source.yaml" || FILES[name] ? read(name) : null),
    getInjections: (name) => (name === "source.yaml" ? ["inception-dsl.injection"] : undefined),
  });
  return registry.loadGrammar(scope);
}

/** The last scope of every token, by line; neighbours of one scope are one token. */
function tokenize(loaded, text) {
  let state = textmate.INITIAL;
  return text.split("\n").map((line) => {
    const result = loaded.tokenizeLine(line, state);
    state = result.ruleStack;
    const found = [];
    for (const token of result.tokens) {
      const text = line.slice(token.startIndex, token.endIndex);
      const scope = token.scopes[token.scopes.length - 1].replace(".inception-dsl", "");
      if (found.length && found[found.length - 1][1] === scope) {
        found[found.length - 1][0] += text;
      } else {
        found.push([text, scope]);
      }
    }
    return found.map(([text, scope]) => [text.trim(), scope]);
  });
}

const SPEC = fs.readFileSync(path.join(__dirname, "../../../specs/googlenet.yaml"), "utf8");

/** The tokens of the first line that contains a text. */
function line(lines, text, spec = SPEC) {
  const number = spec.split("\n").findIndex((each) => each.includes(text));
  assert.ok(number >= 0, text);
  return Object.fromEntries(lines[number].toReversed()); // the first of several tokens with one text
}

for (const scope of ["source.yaml", "source.inception-dsl"]) {
  test(`the algebra and the table have colours in ${scope}`, async () => {
    const lines = tokenize(await grammar(scope), SPEC);

    const branch = line(lines, "| 5x5:  conv");
    assert.equal(branch["5x5"], "entity.name.label");
    assert.equal(branch.conv, "support.function");
    assert.equal(branch["1x1"], "constant.numeric");
    assert.equal(branch["#5x5 reduce"], "variable.parameter");
    assert.equal(branch["->"], "keyword.operator");
    assert.equal(line(lines, "| pool: maxpool").same, "support.constant");
    assert.equal(line(lines, "-> fc2: fc").classes, "variable.language");

    const row = line(lines, "inception_3a | inception");
    assert.equal(row.inception_3a, "variable.other.property");
    assert.equal(row.inception, "entity.name.type.module");
    assert.equal(row["28x28x256"], "constant.numeric");
    assert.equal(row["159K"], "constant.numeric");
    assert.equal(line(lines, "name         | layer")["#3x3 reduce"], "variable.parameter");
  });

  test(`a block ends where its indentation does in ${scope}`, async () => {
    const lines = tokenize(await grammar(scope), SPEC);

    assert.match(line(lines, "heads:").heads, /tag|property/);
    assert.match(line(lines, "  aux:").aux, /tag|property/);
    assert.doesNotMatch(Object.values(line(lines, "title: GoogLeNet")).join(" "), /support|label/);
  });

  test(`the words of all specs have colours in ${scope}`, async () => {
    const loaded = await grammar(scope);
    const specs = path.join(__dirname, "../../../specs");
    for (const name of fs.readdirSync(specs).filter((each) => each.endsWith(".yaml") && each !== "claims.yaml")) {
      const lines = tokenize(loaded, fs.readFileSync(path.join(specs, name), "utf8")).flat();
      for (const [text, found] of lines) {
        if (["conv", "maxpool", "avgpool"].includes(text)) {
          assert.match(found, /support\.function|label|property|tag|string|comment/, `${name}: ${text} is ${found}`);
        }
      }
    }
  });

  test(`a formula on one line has colours in ${scope}`, async () => {
    const spec = 'modules:\n  a:\n    graph: "[ pass + 2 of conv 3x3 {in // 2} groups=4 act=none ] -> again x"\nheads: {}\n';
    const lines = tokenize(await grammar(scope), spec);
    const found = line(lines, "graph:", spec);

    assert.equal(found.conv, "support.function");
    assert.equal(found.pass, "support.function");
    assert.equal(found.of, "keyword.control");
    assert.equal(found.in, "variable.language");
    assert.equal(found.groups, "support.constant");
    assert.equal(found.again, "keyword.control");
    assert.match(line(lines, "heads", spec).heads, /tag|property/);
  });
}
