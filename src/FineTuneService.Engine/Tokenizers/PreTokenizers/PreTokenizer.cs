using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Cuts a text into the words that the model takes one by one; some also rewrite it.</summary>
internal abstract class PreTokenizer
{
    public abstract PreTokenizedText Apply(PreTokenizedText text);

    /// <summary>Whether characters may vanish.</summary>
    public virtual bool Drops => false;

    /// <summary>Whether what comes out is spelled in <see cref="ByteAlphabet"/>.</summary>
    public virtual bool SpellsBytes => false;

    /// <summary>Reads a component of tokenizer.json's "pre_tokenizer".</summary>
    /// <exception cref="TokenizerException">A type that is not supported.</exception>
    public static PreTokenizer Read(JsonElement json) => json.GetProperty("type").GetString() switch
    {
        "Sequence" => new PreTokenizerSequence([.. json.GetProperty("pretokenizers").EnumerateArray().Select(Read)]),
        "ByteLevel" => new ByteLevelPreTokenizer(json.Flag("add_prefix_space", absent: true), json.Flag("use_regex", absent: true)),
        "Split" => new SplitPreTokenizer(
            TextPattern.Read(json.GetProperty("pattern")), SplitBehaviors.Parse(json.GetProperty("behavior").GetString()), json.Flag("invert")),
        "Digits" => CharacterPreTokenizer.Digits(json.Flag("individual_digits")),
        "Punctuation" => CharacterPreTokenizer.Punctuation(SplitBehaviors.Parse(json.Text("behavior") ?? "Isolated")),
        "WhitespaceSplit" => CharacterPreTokenizer.WhiteSpace(),
        "CharDelimiterSplit" => CharacterPreTokenizer.Delimiter(json.RequiredCharacter("delimiter")),
        "BertPreTokenizer" => CharacterPreTokenizer.Bert(),
        "Whitespace" => new WordRunPreTokenizer(),
        "UnicodeScripts" => new ScriptPreTokenizer(),
        "FixedLength" => FixedLengthPreTokenizer.Of(json.Number("length", absent: 5)),
        "Metaspace" => new MetaspacePreTokenizer(
            json.RequiredCharacter("replacement"), PrependSchemes.Read(json), json.Flag("split", absent: true)),
        var type => throw TokenizerException.Unsupported("pre-tokenizer", type ?? "null"),
    };
}
