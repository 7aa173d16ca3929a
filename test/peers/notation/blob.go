package main

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	corex509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Plain files. notation-go v1.3.2 signs and verifies descriptors of any media type, but has no command for files: its
// BlobVerifier stands in no release. So its own signer and its own verifier do all that is about envelopes, chains,
// stores, identities, levels and times; this file is only what lies around them, by the specification's "Arbitrary blob
// verification workflow": which statement, the file's digest by the signer's hash, and the name of the signature file.

var algorithms = map[crypto.Hash]digest.Algorithm{
	crypto.SHA256: digest.SHA256,
	crypto.SHA384: digest.SHA384,
	crypto.SHA512: digest.SHA512,
}

func describe(file, contentType string, hash crypto.Hash) (ocispec.Descriptor, error) {
	algorithm, known := algorithms[hash]
	if !known {
		return ocispec.Descriptor{}, fmt.Errorf("hash %v", hash)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return ocispec.Descriptor{MediaType: contentType, Digest: algorithm.FromBytes(content), Size: int64(len(content))}, nil
}

// typed refuses what is no media type; one with parameters is.
func typed(contentType string) error {
	_, _, err := mime.ParseMediaType(contentType)
	return err
}

type signBlobRequest struct {
	// File, Key and Chain are files.
	File          string            `json:"file"`
	Key           string            `json:"key"`
	Chain         string            `json:"chain"`
	MediaType     string            `json:"mediaType"`
	ContentType   string            `json:"contentType"`
	ExpirySeconds int               `json:"expirySeconds"`
	UserMetadata  map[string]string `json:"userMetadata"`
	Timestamp     *stamp            `json:"timestamp"`
}

func (r signBlobRequest) run(ctx context.Context) (any, error) {
	failed := func(err error) (any, error) { return sealed{Error: err.Error()}, nil }
	if err := typed(r.ContentType); err != nil {
		return failed(err)
	}
	chain, err := corex509.ReadCertificateFile(r.Chain)
	if err != nil {
		return nil, err
	}
	spec, err := signature.ExtractKeySpec(chain[0])
	if err != nil {
		return failed(err)
	}
	target, err := describe(r.File, r.ContentType, spec.SignatureAlgorithm().Hash())
	if err != nil {
		return nil, err
	}
	target.Annotations = r.UserMetadata
	stamper, roots, err := r.Timestamp.open()
	if err != nil {
		return nil, err
	}
	local, err := signer.NewGenericSignerFromFiles(r.Key, r.Chain)
	if err != nil {
		return failed(err)
	}
	envelope, _, err := local.Sign(ctx, target, notation.SignerSignOptions{
		SignatureMediaType: r.MediaType,
		ExpiryDuration:     time.Duration(r.ExpirySeconds) * time.Second,
		Timestamper:        stamper,
		TSARootCAs:         roots,
	})
	if err != nil {
		return failed(err)
	}
	return sealed{OK: true, Envelope: envelope}, nil
}

type blobStatement struct {
	Name                  string                            `json:"name"`
	SignatureVerification trustpolicy.SignatureVerification `json:"signatureVerification"`
	TrustStores           []string                          `json:"trustStores"`
	TrustedIdentities     []string                          `json:"trustedIdentities"`
	GlobalPolicy          bool                              `json:"globalPolicy"`
}

type blobPolicy struct {
	Version       string          `json:"version"`
	TrustPolicies []blobStatement `json:"trustPolicies"`
}

// under is the repository that stands for a statement, so that notation's own document can hold it.
func under(place int) string { return fmt.Sprintf("blob.invalid/statement-%d", place) }

func (p blobPolicy) translated() *trustpolicy.Document {
	document := &trustpolicy.Document{Version: p.Version}
	for place, statement := range p.TrustPolicies {
		document.TrustPolicies = append(document.TrustPolicies, trustpolicy.TrustPolicy{
			Name:                  statement.Name,
			RegistryScopes:        []string{under(place)},
			SignatureVerification: statement.SignatureVerification,
			TrustStores:           statement.TrustStores,
			TrustedIdentities:     statement.TrustedIdentities,
		})
	}
	return document
}

// statement is the place of the one of that name; without a name, of the global one.
func (p blobPolicy) statement(name string) (int, error) {
	for place, statement := range p.TrustPolicies {
		if (name == "" && statement.GlobalPolicy) || (name != "" && statement.Name == name) {
			return place, nil
		}
	}
	return -1, errors.New("no applicable blob trust policy")
}

func (p blobPolicy) globals() (count int) {
	for _, statement := range p.TrustPolicies {
		if statement.GlobalPolicy {
			count++
		}
	}
	return count
}

func readBlobPolicy(configDir string) (policy blobPolicy, err error) {
	path := filepath.Join(configDir, "trustpolicy.blob.json")
	found, err := os.Lstat(path)
	if err != nil {
		return policy, err
	}
	if !found.Mode().IsRegular() {
		return policy, errors.New("trust policy is not a regular file (symlinks are not supported)")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return policy, err
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		return policy, err
	}
	if policy.globals() > 1 {
		return policy, errors.New("multiple blob trust policy statements have globalPolicy set to true")
	}
	return policy, nil
}

type verifyBlobRequest struct {
	// File and Signature are files.
	File      string `json:"file"`
	Signature string `json:"signature"`
	// ContentType is what the file must have been signed as; anything when it is empty.
	ContentType string `json:"contentType"`
	// PolicyName is of a statement; the global one when it is empty.
	PolicyName string `json:"policyName"`
	// ConfigDir holds trustpolicy.blob.json and truststore/.
	ConfigDir    string            `json:"configDir"`
	UserMetadata map[string]string `json:"userMetadata"`
	CRLCache     string            `json:"crlCache"`
}

var formats = map[string]string{"jws": "application/jose+json", "cose": "application/cose"}

// envelopeType is what the name says: the part before the last, as notation's `blob verify` has it.
func envelopeType(name string) (string, error) {
	parts := strings.Split(filepath.Base(name), ".")
	if len(parts) >= 3 {
		if format, known := formats[parts[len(parts)-2]]; known {
			return format, nil
		}
	}
	return "", fmt.Errorf("unsupported signature format of %s", name)
}

// signedTarget is what the envelope is over, and the hash that its key dictates; of one that is wrong, nothing.
func signedTarget(mediaType string, envelope []byte) (target ocispec.Descriptor, hash crypto.Hash) {
	parsed, err := signature.ParseEnvelope(mediaType, envelope)
	if err != nil {
		return target, crypto.SHA256
	}
	content, err := parsed.Verify()
	if err != nil {
		return target, crypto.SHA256
	}
	var payload struct {
		TargetArtifact ocispec.Descriptor `json:"targetArtifact"`
	}
	// What can't be read, notation's verifier refuses below.
	_ = json.Unmarshal(content.Payload.Content, &payload)
	return payload.TargetArtifact, content.SignerInfo.SignatureAlgorithm.Hash()
}

func (r verifyBlobRequest) run(ctx context.Context) (any, error) {
	refused := func(err error) (any, error) { return verdict{Outcomes: []outcome{}, Error: text(err)}, nil }
	if r.ContentType != "" {
		if err := typed(r.ContentType); err != nil {
			return refused(err)
		}
	}
	mediaType, err := envelopeType(r.Signature)
	if err != nil {
		return refused(err)
	}
	envelope, err := os.ReadFile(r.Signature)
	if err != nil {
		return nil, err
	}
	policy, err := readBlobPolicy(r.ConfigDir)
	if err != nil {
		return refused(err)
	}
	dir.UserConfigDir = r.ConfigDir
	judge, err := verifierOf(policy.translated(), r.CRLCache)
	if err != nil {
		return refused(err)
	}
	place, err := policy.statement(r.PolicyName)
	if err != nil {
		return refused(err)
	}
	signed, hash := signedTarget(mediaType, envelope)
	asked := r.ContentType
	if asked == "" {
		asked = signed.MediaType
	}
	target, err := describe(r.File, asked, hash)
	if err != nil {
		return nil, err
	}
	record := &recorder{Verifier: judge, outcomes: []outcome{}}
	_, err = record.Verify(ctx, target, envelope, notation.VerifierVerifyOptions{
		ArtifactReference:  under(place) + "@" + digest.FromString("").String(),
		SignatureMediaType: mediaType,
		UserMetadata:       r.UserMetadata,
	})
	return verdict{err == nil, record.outcomes, text(err)}, nil
}
