// Program is what the tests install: small, and of another product than Helper.
package main

import "fmt"

func main() { fmt.Println("program") }
