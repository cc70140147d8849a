-- Starts `inception-dsl lsp` for YAML files; put it in `~/.config/nvim/plugin/`. The server itself tells specs from
-- other files by their keys. Neovim 0.7 or newer.
local command = vim.g.inception_dsl_command or { "inception-dsl", "lsp" }
local clients = {}

--- The nearest folder above a file that is a project; the file's own folder where there is none.
local function root(file)
  local folder = vim.fn.fnamemodify(file, ":p:h")
  local above = vim.fn.finddir(".git", folder .. ";")
  return above ~= "" and vim.fn.fnamemodify(above, ":p:h:h") or folder
end

vim.api.nvim_create_autocmd("FileType", {
  pattern = "yaml",
  callback = function(event)
    if vim.fn.executable(command[1]) == 0 then
      return
    end
    local folder = root(event.file)
    clients[folder] = clients[folder]
      or vim.lsp.start_client({
        name = "inception-dsl",
        cmd = command,
        root_dir = folder,
        workspace_folders = { { uri = vim.uri_from_fname(folder), name = folder } },
        on_exit = function()
          clients[folder] = nil
        end,
      })
    if clients[folder] then
      vim.lsp.buf_attach_client(event.buf, clients[folder])
    end
  end,
})
