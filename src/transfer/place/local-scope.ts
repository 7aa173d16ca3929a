/** What trust policies call a repository that goes to no registry, or to one that was not said. */

/** `local/PATH`. In a file of its own: what judges a bundle needs no registry client, which takes long to load. */
export function localScope(path: string): string {
  return path.startsWith('local/') ? path : `local/${path}`
}
