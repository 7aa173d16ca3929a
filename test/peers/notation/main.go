// Notation answers, as an independent judge, what the Notary Project's own libraries say about signatures.
//
// One request a line on stdin, one answer a line on stdout, in order. A request holds exactly one command; an answer
// with "fault" means that the request could not be carried out, which is never a verdict. No request makes this
// program open a connection but to the registry or the timestamp authority that the request names.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
)

type request struct {
	Verify         *verifyRequest     `json:"verify"`
	Sign           *signRequest       `json:"sign"`
	ReadStore      *storeRequest      `json:"readStore"`
	VerifyEnvelope *envelopeRequest   `json:"verifyEnvelope"`
	Seal           *sealRequest       `json:"seal"`
	Craft          *craftRequest      `json:"craft"`
	Bench          *benchRequest      `json:"bench"`
	MakeList       *makeListRequest   `json:"makeList"`
	ReadList       *readListRequest   `json:"readList"`
	SignBlob       *signBlobRequest   `json:"signBlob"`
	VerifyBlob     *verifyBlobRequest `json:"verifyBlob"`
}

func (r request) run(ctx context.Context) (any, error) {
	switch {
	case r.Verify != nil:
		return r.Verify.run(ctx)
	case r.Sign != nil:
		return r.Sign.run(ctx)
	case r.ReadStore != nil:
		return r.ReadStore.run(ctx)
	case r.VerifyEnvelope != nil:
		return r.VerifyEnvelope.run()
	case r.Seal != nil:
		return r.Seal.run(ctx)
	case r.Craft != nil:
		return r.Craft.run()
	case r.Bench != nil:
		return r.Bench.run(ctx)
	case r.MakeList != nil:
		return r.MakeList.run()
	case r.ReadList != nil:
		return r.ReadList.run()
	case r.SignBlob != nil:
		return r.SignBlob.run(ctx)
	case r.VerifyBlob != nil:
		return r.VerifyBlob.run(ctx)
	}
	return nil, fmt.Errorf("no command")
}

func answer(ctx context.Context, line []byte) (result any) {
	defer func() {
		// A library that panics on an envelope has not accepted it, but neither is that a verdict.
		if broken := recover(); broken != nil {
			result = map[string]any{"fault": fmt.Sprint("panic: ", broken)}
		}
	}()
	var r request
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return map[string]any{"fault": err.Error()}
	}
	result, err := r.run(ctx)
	if err != nil {
		return map[string]any{"fault": err.Error()}
	}
	return result
}

func main() {
	ctx := context.Background()
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := out.Encode(answer(ctx, line)); err != nil {
				os.Exit(1)
			}
		}
		if err == io.EOF {
			return
		} else if err != nil {
			os.Exit(1)
		}
	}
}
