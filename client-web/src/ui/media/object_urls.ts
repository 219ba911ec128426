// Addresses of files of this device, for showing them before they are sent.

/** One address for each file, until the end. */
export class ObjectUrls {
  private readonly urls = new Map<Blob, string>();

  of(content: Blob): string {
    const url = this.urls.get(content) ?? URL.createObjectURL(content);
    this.urls.set(content, url);
    return url;
  }

  end(): void {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
  }
}
