-- Asks the server through Neovim, and quits with 0 if the answers are right, else with 1:
-- nvim --headless -n -u editors/neovim/inception_dsl.lua specs/googlenet.yaml -c 'luafile editors/neovim/check.lua'
local WAIT = 60000 -- milliseconds, for slow machines

local function check()
  vim.cmd("setfiletype yaml")
  assert(vim.wait(WAIT, function() return next(vim.lsp.buf_get_clients(0)) ~= nil end, 50), "no server is attached")
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)

  --- The position inside the first line that contains a text.
  local function at(text, inside)
    for number, line in ipairs(lines) do
      local start = line:find(text, 1, true)
      if start then
        return { line = number - 1, character = start - 1 + (inside or 0) }
      end
    end
    error("no line has " .. text)
  end

  local function ask(method, position, more)
    local parameters = { textDocument = { uri = vim.uri_from_bufnr(0) }, position = position }
    local answers = vim.lsp.buf_request_sync(0, method, vim.tbl_extend("error", parameters, more or {}), WAIT)
    for _, answer in pairs(answers or {}) do
      assert(not answer.error, vim.inspect(answer.error))
      return answer.result
    end
    error("no answer to " .. method)
  end

  local hover = ask("textDocument/hover", at("inception_3a", 2))
  assert(hover.contents.value:find("28x28x256", 1, true), "hover shows the shape of a row")

  local layers = ask("textDocument/completion", at("maxpool 3x3/1", 2))
  assert(vim.tbl_contains(vim.tbl_map(function(item) return item.label end, layers.items), "avgpool"), "completion")

  local module = at("| inception ", 4)
  local definition = ask("textDocument/definition", module)
  assert(definition[1].range.start.line == at("  inception:").line, "definition")
  local uses = ask("textDocument/references", module, { context = { includeDeclaration = false } })
  assert(#uses >= 9, "references")

  local pool = at("maxpool 3x3/1")
  vim.api.nvim_buf_set_text(0, pool.line, pool.character, pool.line, pool.character + 7, { "maxpol" })
  assert(vim.wait(WAIT, function() return #vim.diagnostic.get(0) > 0 end, 50), "a misspelt layer has a diagnostic")
  assert(vim.diagnostic.get(0)[1].lnum == pool.line, "the diagnostic is at its line")
end

local right, problem = pcall(check)
print(right and "ok" or problem)
vim.cmd(right and "qall!" or "cquit!")
