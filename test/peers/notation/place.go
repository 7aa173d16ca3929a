package main

import (
	"context"
	"fmt"

	"github.com/notaryproject/notation-go/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// place is where artifacts and signatures lie: the folder of an OCI layout, or a repository served over plain HTTP.
type place struct {
	Layout     string `json:"layout"`
	Repository string `json:"repository"`
	Username   string `json:"username"`
	Password   string `json:"password"`
}

func (p place) open() (registry.Repository, error) {
	if p.Layout != "" {
		return registry.NewOCIRepository(p.Layout, registry.RepositoryOptions{})
	}
	if p.Repository == "" {
		return nil, fmt.Errorf("neither a layout nor a repository")
	}
	repository, err := remote.NewRepository(p.Repository)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = true
	// Registries without the Referrers API are spoken to by a tag; most of them refuse to delete its old index.
	repository.SkipReferrersGC = true
	if p.Username != "" {
		repository.Client = &auth.Client{
			Cache: auth.NewCache(),
			Credential: auth.StaticCredential(repository.Reference.Registry, auth.Credential{
				Username: p.Username, Password: p.Password,
			}),
		}
	}
	return registry.NewRepository(repository), nil
}

// pushed remembers the manifest that a signing leaves behind; notation.Sign does not tell it.
type pushed struct {
	registry.Repository
	manifest ocispec.Descriptor
}

func (p *pushed) PushSignature(ctx context.Context, mediaType string, blob []byte, subject ocispec.Descriptor, annotations map[string]string) (ocispec.Descriptor, ocispec.Descriptor, error) {
	envelope, manifest, err := p.Repository.PushSignature(ctx, mediaType, blob, subject, annotations)
	p.manifest = manifest
	return envelope, manifest, err
}
