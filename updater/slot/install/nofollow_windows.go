package install

const noFollow = 0
