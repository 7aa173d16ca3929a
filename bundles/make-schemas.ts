/** Makes bundles/schemas/ (JSON Schema 2020-12) from report-schemas.ts: `node bundles/make-schemas.ts`. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'prettier'
import * as z from 'zod'
import { STATUS_DOCUMENT } from './site-schemas.ts'
import { ENVELOPE, ERROR, PROGRESS, REPORTS } from './report-schemas.ts'

function schemas(): [name: string, title: string, schema: z.ZodType][] {
  return [
    ['envelope', 'What every verb prints with --json', ENVELOPE],
    ['error', 'The error in an envelope', ERROR],
    ['site-status', 'What status and watch leave with --status', STATUS_DOCUMENT],
    ['progress', 'One line of progress on standard error', PROGRESS],
    ...Object.entries(REPORTS).map(([verb, schema]): [string, string, z.ZodType] => [
      `report-${verb.replaceAll(' ', '-')}`,
      `The report of sallyport ${verb}`,
      schema,
    ]),
  ]
}

/** Every file of the folder by its name. */
export async function schemaFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const [name, title, schema] of schemas()) {
    const { $schema, ...rest } = z.toJSONSchema(schema)
    const text = JSON.stringify({ $schema, $id: `${name}.json`, title, ...rest })
    files.set(`${name}.json`, await format(text, { parser: 'json', printWidth: 120 }))
  }
  return files
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, 'schemas')
  const files = await schemaFiles()
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name))
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
}
