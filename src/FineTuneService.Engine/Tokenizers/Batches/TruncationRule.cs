using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Batches;

/// <summary>tokenizer.json's "truncation": how long texts become, and which of a pair is cut.</summary>
/// <param name="Stride">Tokens that what is cut off repeats.</param>
internal sealed record TruncationRule(int MaxLength, int Stride, string Strategy, bool Left)
{
    public static TruncationRule Read(JsonElement json) => new(
        json.Number("max_length", absent: 512), json.Number("stride", absent: 0), json.Text("strategy") ?? "LongestFirst", json.Text("direction") == "Left");

    /// <param name="added">Tokens that the post-processor will add.</param>
    /// <exception cref="TokenizerException">What is to be cut is too short, or is not there.</exception>
    public void Apply(IReadOnlyList<TextPart> texts, int added)
    {
        int room = MaxLength - added;
        if (room < 0) return; // Where the special tokens alone are too many, the library cuts nothing: its difference wraps around.
        int over = texts.Sum(text => text.Length) - room;
        if (room == 0)
        {
            foreach (TextPart text in texts) text.Truncate(0, Stride, Left);
        }
        else if (over > 0 && Strategy == "LongestFirst")
        {
            int[] lengths = texts.Count == 1 ? [room] : Share(texts[0].Length, texts[1].Length, room);
            for (int i = 0; i < texts.Count; i++) texts[i].Truncate(lengths[i], Stride, Left);
        }
        else if (over > 0)
        {
            int which = Strategy == "OnlySecond" ? 1 : 0;
            if (which >= texts.Count) throw new TokenizerException("tokenizer.json: the truncation cuts the second text, and there is one.");
            if (texts[which].Length <= over) throw new TokenizerException("tokenizer.json: the text that the truncation cuts is too short for it.");
            texts[which].Truncate(texts[which].Length - over, Stride, Left);
        }
    }

    /// <summary>The shorter of both keeps what it can.</summary>
    private static int[] Share(int first, int second, int room)
    {
        (int shorter, int longer) = first > second ? (second, first) : (first, second);
        longer = shorter > room ? shorter : Math.Max(shorter, room - shorter);
        if (shorter + longer > room) (shorter, longer) = (room / 2, room / 2 + room % 2);
        return first > second ? [longer, shorter] : [shorter, longer];
    }
}
