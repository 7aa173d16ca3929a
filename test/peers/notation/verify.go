package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/notaryproject/notation-core-go/revocation"
	corecrl "github.com/notaryproject/notation-core-go/revocation/crl"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/crl"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

type verifyRequest struct {
	place
	// Reference is `scope@digest`. Its scope chooses the policy's statement and need not be where the artifact lies.
	Reference string `json:"reference"`
	// ConfigDir holds trustpolicy.json and truststore/.
	ConfigDir     string            `json:"configDir"`
	MaxSignatures int               `json:"maxSignatures"`
	UserMetadata  map[string]string `json:"userMetadata"`
	// CRLCache is a folder in notation's own form. Without it every CRL is missing.
	CRLCache string `json:"crlCache"`
}

type check struct {
	Type   string `json:"type"`
	Action string `json:"action"`
	Error  string `json:"error,omitempty"`
}

type outcome struct {
	Level  string  `json:"level"`
	Checks []check `json:"checks"`
	Error  string  `json:"error,omitempty"`
}

type verdict struct {
	OK       bool      `json:"ok"`
	Outcomes []outcome `json:"outcomes"`
	Error    string    `json:"error,omitempty"`
}

type refusing struct{}

func (refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	return nil, errors.New("offline: " + request.URL.String())
}

type cached struct{ cache *crl.FileCache }

func (c cached) Fetch(ctx context.Context, url string) (*corecrl.Bundle, error) {
	if c.cache == nil {
		return nil, errors.New("offline: " + url)
	}
	return c.cache.Get(ctx, url)
}

func newVerifier(configDir, crlCache string) (notation.Verifier, error) {
	dir.UserConfigDir = configDir
	document, err := trustpolicy.LoadDocument()
	if err != nil {
		return nil, err
	}
	return verifierOf(document, crlCache)
}

func verifierOf(document *trustpolicy.Document, crlCache string) (notation.Verifier, error) {
	var fetcher cached
	var err error
	if crlCache != "" {
		if fetcher.cache, err = crl.NewFileCache(crlCache); err != nil {
			return nil, err
		}
	}
	var options verifier.VerifierOptions
	for p, validator := range map[purpose.Purpose]*revocation.Validator{
		purpose.CodeSigning:  &options.RevocationCodeSigningValidator,
		purpose.Timestamping: &options.RevocationTimestampingValidator,
	} {
		*validator, err = revocation.NewWithOptions(revocation.Options{
			OCSPHTTPClient:   &http.Client{Transport: refusing{}},
			CRLFetcher:       fetcher,
			CertChainPurpose: p,
		})
		if err != nil {
			return nil, err
		}
	}
	return verifier.NewWithOptions(document, truststore.NewX509TrustStore(dir.ConfigFS()), nil, options)
}

type skipper interface {
	SkipVerify(context.Context, notation.VerifierVerifyOptions) (bool, *trustpolicy.VerificationLevel, error)
}

// recorder keeps every outcome; notation.Verify returns none when all signatures fail.
type recorder struct {
	notation.Verifier
	outcomes []outcome
}

func (r *recorder) SkipVerify(ctx context.Context, options notation.VerifierVerifyOptions) (bool, *trustpolicy.VerificationLevel, error) {
	return r.Verifier.(skipper).SkipVerify(ctx, options)
}

func (r *recorder) Verify(ctx context.Context, target ocispec.Descriptor, envelope []byte, options notation.VerifierVerifyOptions) (*notation.VerificationOutcome, error) {
	found, err := r.Verifier.Verify(ctx, target, envelope, options)
	if found != nil {
		seen := outcome{Checks: []check{}, Error: text(err)}
		if found.VerificationLevel != nil {
			seen.Level = found.VerificationLevel.Name
		}
		for _, result := range found.VerificationResults {
			seen.Checks = append(seen.Checks, check{string(result.Type), string(result.Action), text(result.Error)})
		}
		r.outcomes = append(r.outcomes, seen)
	}
	return found, err
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (r verifyRequest) run(ctx context.Context) (any, error) {
	repository, err := r.open()
	if err != nil {
		return nil, err
	}
	refused := func(err error) (any, error) { return verdict{Outcomes: []outcome{}, Error: text(err)}, nil }
	judge, err := newVerifier(r.ConfigDir, r.CRLCache)
	if err != nil {
		// A policy that notation does not take is a refusal of everything it would have judged.
		return refused(err)
	}
	record := &recorder{Verifier: judge, outcomes: []outcome{}}
	_, _, err = notation.Verify(ctx, record, repository, notation.VerifyOptions{
		ArtifactReference:    r.Reference,
		MaxSignatureAttempts: r.MaxSignatures,
		UserMetadata:         r.UserMetadata,
	})
	return verdict{err == nil, record.outcomes, text(err)}, nil
}

type storeRequest struct {
	ConfigDir string `json:"configDir"`
	Type      string `json:"type"`
	Name      string `json:"name"`
}

func (r storeRequest) run(ctx context.Context) (any, error) {
	dir.UserConfigDir = r.ConfigDir
	_, err := truststore.NewX509TrustStore(dir.ConfigFS()).GetCertificates(ctx, truststore.Type(r.Type), r.Name)
	return verdict{OK: err == nil, Outcomes: []outcome{}, Error: text(err)}, nil
}
