using System.Text;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>
/// The normal form of a character with what combines with it, aligned as Hugging Face's library does: characters that come out take
/// those that went in one after the other. One that is composed takes as many as it has absorbed and is aligned with the first of
/// them; one that was only split off takes none and shares the place of the one before it. Where marks change their order, this keeps
/// the order of places, not of marks.
/// </summary>
internal static class NormalizedCluster
{
    // .NET refuses to normalize noncharacters (U+FFFE and the like); they normalize to themselves.
    public static bool IsNormalized(string text, NormalizationForm form) => !HasNoncharacter(text) && text.IsNormalized(form);

    /// <param name="start">Where the cluster starts in the builder's source.</param>
    public static void Append(ReadOnlySpan<char> cluster, int start, NormalizationForm form, AlignedTextBuilder output)
    {
        var apart = form is NormalizationForm.FormC or NormalizationForm.FormD ? NormalizationForm.FormD : NormalizationForm.FormKD;
        var parts = Parts(cluster, apart);
        var sources = Starts(cluster);
        var taken = 0;
        foreach (var rune in Normalized(cluster, form).EnumerateRunes())
        {
            var absorbed = form == apart ? Absorbed([rune], parts) : Absorbed(Runes(Normalized(rune.ToString(), NormalizationForm.FormD)), parts);
            var from = Math.Min(absorbed > 0 ? taken : taken - 1, sources.Count - 1);
            // A mark that was split off and sorted before everything else has nothing before it in its cluster.
            output.Append(rune.ToString(), from < 0 ? start - 1 : start + sources[from]);
            taken += absorbed;
        }
    }

    /// <summary>The cluster taken apart, in canonical order, and of each part whether it is the first of its character's.</summary>
    private static List<(Rune Rune, bool IsFirst)> Parts(ReadOnlySpan<char> cluster, NormalizationForm apart)
    {
        var unsorted = new List<(Rune Rune, bool IsFirst)>();
        foreach (var rune in cluster.EnumerateRunes())
        {
            var before = unsorted.Count;
            foreach (var part in Runes(Normalized(rune.ToString(), apart))) unsorted.Add((part, unsorted.Count == before));
        }

        var sorted = new List<(Rune, bool)>(unsorted.Count);
        foreach (var rune in Normalized(cluster, apart).EnumerateRunes()) sorted.Add((rune, Take(rune, unsorted)));
        return sorted;
    }

    /// <summary>How many characters of the input go into one of the output, which is taken apart into <paramref name="pieces"/>.</summary>
    private static int Absorbed(IEnumerable<Rune> pieces, List<(Rune Rune, bool IsFirst)> parts) => pieces.Count(piece => Take(piece, parts));

    /// <summary>Takes the first part that is this one out of the list: equal marks keep their order.</summary>
    private static bool Take(Rune rune, List<(Rune Rune, bool IsFirst)> parts)
    {
        var index = parts.FindIndex(part => part.Rune == rune);
        if (index < 0) return true;
        var isFirst = parts[index].IsFirst;
        parts.RemoveAt(index);
        return isFirst;
    }

    private static IEnumerable<Rune> Runes(string text) => text.EnumerateRunes();

    private static string Normalized(ReadOnlySpan<char> text, NormalizationForm form)
    {
        var copy = text.ToString();
        return HasNoncharacter(text) ? copy : copy.Normalize(form);
    }

    private static bool HasNoncharacter(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
            if ((rune.Value & 0xFFFE) == 0xFFFE || rune.Value is >= 0xFDD0 and <= 0xFDEF) return true;
        return false;
    }

    private static List<int> Starts(ReadOnlySpan<char> text)
    {
        var starts = new List<int>(text.Length);
        for (int i = 0, width; i < text.Length; i += width)
        {
            CodePoints.At(text, i, out width);
            starts.Add(i);
        }

        return starts;
    }
}
