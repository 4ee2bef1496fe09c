package prompt

const terminal = "CONIN$"
