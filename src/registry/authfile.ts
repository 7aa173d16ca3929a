/** The files in which docker and podman keep credentials. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Where docker and podman keep credentials, in the order in which they are asked, as podman goes on to the next for what
 * one doesn't have: `$REGISTRY_AUTH_FILE` alone where it is set; else `$DOCKER_CONFIG/config.json`,
 * `$XDG_RUNTIME_DIR/containers/auth.json`, `$XDG_CONFIG_HOME/containers/auth.json` (`~/.config` when unset), and
 * `~/.docker/config.json`, in whose place `$DOCKER_CONFIG` stands.
 */
export function authfilePlaces(env: Readonly<Record<string, string | undefined>>, home: string): string[] {
  const set = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  const named = set('REGISTRY_AUTH_FILE')
  if (named !== undefined) return [named]
  const docker = set('DOCKER_CONFIG')
  const runtime = set('XDG_RUNTIME_DIR')
  return [
    ...(docker === undefined ? [] : [join(docker, 'config.json')]),
    ...(runtime === undefined ? [] : [join(runtime, 'containers', 'auth.json')]),
    join(set('XDG_CONFIG_HOME') ?? join(home, '.config'), 'containers', 'auth.json'),
    ...(docker === undefined ? [join(home, '.docker', 'config.json')] : []),
  ]
}

/** The credentials files that are there, in order. One named by REGISTRY_AUTH_FILE is returned even when it is absent. */
export async function findAuthfiles(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<string[]> {
  const places = authfilePlaces(env, home)
  if (places[0] === env['REGISTRY_AUTH_FILE']) return places
  const there = await Promise.all(
    places.map((place) =>
      access(place).then(
        () => true,
        () => false,
      ),
    ),
  )
  return places.filter((_, i) => there[i])
}
