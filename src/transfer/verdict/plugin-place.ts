/** Where plugins of Notation are, and what they see. */
export interface PluginPlace {
  /** Holds `plugins/`. */
  folder: string
  environment: Readonly<Record<string, string>>
}
