package main

import "syscall"

const sigsys = syscall.SIGSYS
