/** A fenced `sh` block of a README, and what the README shows behind it. */
export interface ReadmeCommand {
  readonly text: string;
  /** The lines of the fenced blocks without a language that follow, up to the next command. */
  readonly shown: readonly string[];
}

const FENCED = /^```(\w*)\n([\s\S]*?)^```$/gm;
const OUTPUT = /--output\s+(\S+)/;

/** The commands of a README, in order. */
export function readmeCommands(markdown: string): ReadmeCommand[] {
  const commands: { text: string; shown: string[] }[] = [];
  for (const [, language, body = ''] of markdown.matchAll(FENCED)) {
    if (language === 'sh') commands.push({ text: body.trim(), shown: [] });
    else if (language === '') commands.at(-1)?.shown.push(...body.trimEnd().split('\n'));
  }
  return commands;
}

/** The file that a command writes its results to. */
export function outputOf({ text }: ReadmeCommand): string | undefined {
  return OUTPUT.exec(text)?.[1];
}

/** Some failed rows end the command with 3, as the README shows by its first word. */
export function exitCodeOf({ shown }: ReadmeCommand): number {
  return shown.some((line) => line.startsWith('partially succeeded')) ? 3 : 0;
}
