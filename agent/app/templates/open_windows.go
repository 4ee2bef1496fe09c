package templates

const nonblock = 0
