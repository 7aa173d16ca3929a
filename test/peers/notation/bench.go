package main

import (
	"context"
	"fmt"
	"time"

	"github.com/notaryproject/notation-go"
)

type benchRequest struct {
	place
	// References are judged one after another, as a loop over notation.Verify would.
	References []string `json:"references"`
	ConfigDir  string   `json:"configDir"`
	Repeat     int      `json:"repeat"`
}

type timing struct {
	OK bool `json:"ok"`
	// Seconds of each round: verifier and place opened once, then every reference verified.
	Seconds []float64 `json:"seconds"`
	Count   int       `json:"count"`
}

func (r benchRequest) run(ctx context.Context) (any, error) {
	out := timing{OK: true, Count: len(r.References)}
	for range max(r.Repeat, 1) {
		begin := time.Now()
		judge, err := newVerifier(r.ConfigDir, "")
		if err != nil {
			return nil, err
		}
		repository, err := r.open()
		if err != nil {
			return nil, err
		}
		for _, reference := range r.References {
			_, _, err := notation.Verify(ctx, judge, repository, notation.VerifyOptions{
				ArtifactReference: reference, MaxSignatureAttempts: 100,
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", reference, err)
			}
		}
		out.Seconds = append(out.Seconds, time.Since(begin).Seconds())
	}
	return out, nil
}
