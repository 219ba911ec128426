// Files that are chosen to be sent: what the server would refuse is said before anything goes up.

import type { ServerLimits } from "../../api/protocol";
import type { PendingAttachment } from "../../state/update";
import { bytes, type Size } from "./size";

/** What a server takes while it has not said. */
const USUAL = { attachments: 10, fileBytes: 52_428_800n };

/** Types that browsers draw and the server takes for pictures. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** A chosen file: what will be sent of it, and for the page a name of its own. */
export interface Chosen {
  readonly key: number;
  readonly attachment: PendingAttachment;
}

let keys = 0;

/** Those of the files that can be sent beside so many others, and what is wrong with the rest. */
export function choose(
  files: readonly File[],
  already: number,
  limits: ServerLimits | undefined,
): { chosen: Chosen[]; problem: string } {
  const most = limits?.attachments || USUAL.attachments;
  const largest = limits?.fileBytes || USUAL.fileBytes;
  const chosen: Chosen[] = [];
  const problems: string[] = [];
  for (const file of files) {
    if (file.size === 0) problems.push(`“${file.name}” is empty.`);
    else if (BigInt(file.size) > largest) problems.push(`“${file.name}” is larger than ${bytes(largest)}.`);
    else if (already + chosen.length >= most) {
      problems.push(`A message holds at most ${most} files.`);
      break;
    } else {
      const attachment = { name: file.name || "file", size: file.size, source: { is: "file", content: file } } as const;
      chosen.push({ key: keys++, attachment });
    }
  }
  const [first = ""] = problems;
  const more = problems.length > 1 ? ` And ${problems.length - 1} more.` : "";
  return { chosen, problem: first + more };
}

/** Whether it is a picture to be shown, by what its sender's system says of it. */
export function isPicture({ source }: PendingAttachment): boolean {
  return source.is === "gif" || PICTURES.has(source.content.type);
}

/** How large a picture is; none if it is none after all. */
export async function measure(attachment: PendingAttachment): Promise<Size | undefined> {
  if (attachment.source.is === "gif" || !isPicture(attachment)) return undefined;
  const url = URL.createObjectURL(attachment.source.content);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return undefined;
  } finally {
    URL.revokeObjectURL(url);
  }
}
