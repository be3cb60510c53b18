/** Prose, questions, numbers, code and names: of each kind that people write to a small model, a little. Written for this. */
export const CALIBRATION_TEXT = `The harbour lay still under the morning fog. A small boat with a red sail waited at the pier, and three people carried boxes of tools, bread and rope on board. The oldest of them had crossed the bay a hundred times, and yet she looked at the water for a long while before she untied the line.

How do I keep bread fresh for a week? Let it cool, wrap it in a cloth, and put it into a box with a lid; what you will not eat in three days goes into the freezer in slices. Do not put it into the refrigerator, where it dries.

In 1969 two people walked on the Moon for 2 hours and 31 minutes. The Moon is 384,400 kilometres away, light takes 1.28 seconds from there, and a car at 100 km/h would need 160 days. The capital of Norway is Oslo, the capital of Kenya is Nairobi, and the capital of Peru is Lima.

function average(values) {
  if (values.length === 0) return undefined;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

Dear Ms. Okafor, thank you for your letter of March 3. We are sorry that the parcel came late and that one of the cups was broken. A new one is on its way to you; you need not send the other back. With kind regards, Tomasz Lindqvist.

Summary: the meeting began at nine. Ana reported that sales in the north rose by 12 percent, and that two of the five shops will be renovated in autumn. Ravi asked who pays for it. It was agreed that he and Ana write a plan until Friday.

Why is the sky blue? Sunlight has all colours. Air scatters short waves, which are blue and violet, far more than long ones, which are red; our eyes see little violet, and so the sky looks blue. In the evening the light has a longer way through the air, most of the blue is gone, and what is left is orange and red.

Write three names for a cat: Pepper, Miso and Comet. Translate "good night" into German: gute Nacht; into Spanish: buenas noches; into French: bonne nuit. Sort the words pear, apple and plum: apple, pear, plum. Which number comes next: 2, 4, 8, 16? The next number is 32.
`;
