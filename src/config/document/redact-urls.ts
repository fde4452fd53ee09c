/** `user:password@` of a URL with the password as `xxxxx`, as Go prints it. */
export function redactUrls(text: string): string {
  return text.replace(/(\/\/[^\s/@:"']*):[^\s/@"']*@/g, '$1:xxxxx@');
}
