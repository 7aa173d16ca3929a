//go:build never

// Package command names the program that this module builds: notation's own command line, as it is released.
// `go install …@v1.3.2` refuses it for a replacement in its go.mod.
package command

import _ "github.com/notaryproject/notation/cmd/notation"
