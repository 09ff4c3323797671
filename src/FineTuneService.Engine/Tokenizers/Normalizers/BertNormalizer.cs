using System.Globalization;
using System.Text;
using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>BERT's: cleans, sets Chinese characters apart, strips accents, lowers the case; each of them if asked.</summary>
internal static class BertNormalizer
{
    public static Normalizer Read(JsonElement json)
    {
        var lowercase = json.Flag("lowercase", absent: true);
        var steps = new List<Normalizer>();
        if (json.Flag("clean_text", absent: true))
        {
            steps.Add(new FilterNormalizer(IsControl));
            steps.Add(new MapNormalizer(codePoint => CharacterClass.IsWhiteSpace(codePoint) ? " " : null));
        }

        if (json.Flag("handle_chinese_chars", absent: true))
            steps.Add(new MapNormalizer(codePoint => IsChinese(codePoint) ? $" {char.ConvertFromUtf32(codePoint)} " : null));
        if (json.Flag("strip_accents", absent: lowercase))
        {
            steps.Add(new UnicodeNormalizer(NormalizationForm.FormD));
            steps.Add(new FilterNormalizer(codePoint => CharacterClass.Category(codePoint) == UnicodeCategory.NonSpacingMark));
        }

        if (lowercase) steps.Add(MapNormalizer.Lowercase());
        return new NormalizerSequence(steps);
    }

    private static bool IsControl(int codePoint) => codePoint is 0 or 0xFFFD
        || (codePoint is not ('\t' or '\n' or '\r') && CharacterClass.Category(codePoint)
            is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    // The blocks of CJK unified and compatibility ideographs; Hangul and kana are written with spaces or without this.
    private static bool IsChinese(int codePoint) => codePoint
        is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
        or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
