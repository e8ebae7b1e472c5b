/** What every part of the application labels. */
export const sentence = ['the', 'cats', 'near', 'the', 'dog', 'sat'];
