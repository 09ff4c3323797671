using FineTuneService.Engine.Tokenizers.Added;
using FineTuneService.Engine.Tokenizers.Conversion;
using FineTuneService.Engine.Tokenizers.PostProcessors;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>A Hugging Face tokenizer (tokenizer.json). Safe to use from several threads at once.</summary>
public sealed class Tokenizer
{
    private const string JsonFile = "tokenizer.json";

    private readonly TokenizerFile _file;
    private readonly AddedVocabulary _added;
    private readonly TokenizerConfig _config;
    private readonly PostProcessor? _postProcessor;
    private readonly TokenLengths _lengths;

    private Tokenizer(TokenizerFile file, TokenizerConfig config)
    {
        _file = file;
        _config = config;
        _added = new AddedVocabulary(AddedTokens.Join(file.AddedTokens, config.Entries, file.Model.Vocabulary), file.Normalizer);
        _postProcessor = BeginAndEnd.Apply(file.PostProcessor, config.AddBos, Special(BosToken), config.AddEos, Special(EosToken));
        _lengths = TokenLengths.Of(file, _added);
        VocabularySize = file.Model.Vocabulary.Count + _added.Tokens.Count(token => file.Model.Vocabulary.IdOf(token.Content) < 0);
    }

    /// <summary>Tokens of the model and added ones.</summary>
    public int VocabularySize { get; }

    /// <summary>Of tokenizer_config.json or special_tokens_map.json, as are the others; null where they name none.</summary>
    public string? BosToken => _config.Named.GetValueOrDefault("bos_token");

    public string? EosToken => _config.Named.GetValueOrDefault("eos_token");

    public string? PadToken => _config.Named.GetValueOrDefault("pad_token");

    public string? UnkToken => _config.Named.GetValueOrDefault("unk_token");

    public int? BosId => BosToken is null ? null : IdOf(BosToken);

    public int? EosId => EosToken is null ? null : IdOf(EosToken);

    public int? PadId => PadToken is null ? null : IdOf(PadToken);

    /// <summary>Whether a model has a tokenizer.</summary>
    /// <param name="folder">Its folder, or the path of a GGUF file.</param>
    internal static bool Exists(string folder) => File.Exists(Path.Combine(folder, SentencePieceTokenizer.FileName)) || ModelTextFiles.Read(folder, JsonFile) is not null;

    /// <summary>
    /// Reads tokenizer.json, or sentencepiece's tokenizer.model where there is none, and, where they are, tokenizer_config.json,
    /// special_tokens_map.json and added_tokens.json.
    /// </summary>
    /// <exception cref="FileNotFoundException">Neither is in the folder.</exception>
    /// <exception cref="TokenizerException">A broken file, or a component that is not supported.</exception>
    public static Tokenizer Load(string folder)
    {
        TokenizerConfig config = TokenizerConfig.Load(folder);
        if (ModelTextFiles.Read(folder, JsonFile) is { } json) return new Tokenizer(TokenizerFile.Parse(json), config);
        if (!Exists(folder)) throw new FileNotFoundException($"{JsonFile} is missing", Path.Combine(folder, JsonFile));
        TokenizerFiles converted = SentencePieceTokenizer.Load(folder);
        return new Tokenizer(TokenizerFile.Parse(converted.Json), config.Over(TokenizerConfig.Parse(converted.Config)));
    }

    /// <summary>Reads the texts of the files.</summary>
    /// <exception cref="TokenizerException">A broken file, or a component that is not supported.</exception>
    /// <param name="tokenizerJson">The text of tokenizer.json.</param>
    /// <param name="tokenizerConfigJson">The text of tokenizer_config.json; its flags of added tokens are laid over the other's.</param>
    public static Tokenizer Parse(string tokenizerJson, string? tokenizerConfigJson = null) =>
        new(TokenizerFile.Parse(tokenizerJson), TokenizerConfig.Parse(tokenizerConfigJson));

    /// <summary>
    /// A number of tokens that the text has at least, told by its length alone, so that a text that cannot fit is refused before it is
    /// tokenised. 0 where this tokenizer's rules set no bound, as where they drop characters or make one token of any unknown word.
    /// </summary>
    public int FewestTokens(string text) => _lengths.Fewest(text);

    /// <summary>The text's ids.</summary>
    /// <param name="addSpecialTokens">Whether the post-processor adds what it adds to a text, such as a BOS.</param>
    public int[] Encode(string text, bool addSpecialTokens = false) => [.. Run(text, addSpecialTokens, detailed: false).Ids];

    /// <summary>The text's tokens and where each stands in it.</summary>
    /// <inheritdoc cref="Encode"/>
    public Encoding EncodeWithOffsets(string text, bool addSpecialTokens = false) => Run(text, addSpecialTokens, detailed: true).ToEncoding();

    /// <summary>The ids' text. Ids that are no token's are passed over.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        var tokens = new List<string>(ids.Length);
        foreach (var id in ids)
        {
            var token = TokenOf(id);
            if (token is not null && !(skipSpecialTokens && _added.Find(token) is { Special: true })) tokens.Add(token);
        }

        return _file.Decoder is null ? string.Join(' ', tokens) : string.Concat(_file.Decoder.Decode(tokens));
    }

    /// <summary>A decoder that is given one id at a time.</summary>
    public DecodeStream StreamDecoder(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    public int? IdOf(string token) =>
        _added.Find(token)?.Id ?? (_file.Model.Vocabulary.IdOf(token) is >= 0 and var id ? id : null);

    /// <summary>Whether an added token is special; null where this is none.</summary>
    internal bool? IsAdded(string token) => _added.Find(token)?.Special;

    public string? TokenOf(int id) => _added.Find(id)?.Content ?? _file.Model.Vocabulary.TokenOf(id);

    /// <summary>
    /// The bytes that an id adds to a text, where it does not begin it. Null where the id is no token's, or the decoder looks at more than
    /// one token at a time.
    /// </summary>
    public byte[]? BytesOf(int id) => TokenOf(id) is { } token && _file.Decoder is { } decoder ? TokenBytes.Of(decoder, token) : null;

    /// <summary>Whether the id is that of an added token, which no text of a vocabulary becomes by merging.</summary>
    public bool IsAdded(int id) => _added.Find(id) is not null;

    /// <summary>Whether decoding passes the id over.</summary>
    public bool IsSpecial(int id) => _added.Find(id) is { Special: true };

    /// <summary>One more than the highest id.</summary>
    public int IdLimit => _file.Model.Vocabulary.All.Select(entry => entry.Id).Concat(_added.Tokens.Select(token => token.Id)).DefaultIfEmpty(-1).Max() + 1;

    private (int, string)? Special(string? token) => token is not null && IdOf(token) is { } id ? (id, token) : null;

    /// <summary>The text's tokens as the post-processor gets them.</summary>
    internal TokenSequence Pieces(string text) => Pieces(text, detailed: true);

    private TokenSequence Run(string text, bool addSpecialTokens, bool detailed)
    {
        TokenSequence tokens = Pieces(text, detailed);
        return _postProcessor?.Process(tokens, addSpecialTokens) ?? tokens;
    }

    private TokenSequence Pieces(string text, bool detailed)
    {
        text = CodePoints.WellFormed(text);
        var run = new EncodingRun(_file.Model, text, detailed);
        foreach (var (piece, token) in _added.Split(AlignedText.Of(text, aligned: detailed)))
        {
            if (token is not null) run.Add(token, piece);
            else if (_file.PreTokenizer is null) run.Add(PreTokenizedText.Whole(piece));
            else run.Add(_file.PreTokenizer.Apply(PreTokenizedText.Whole(piece)));
        }

        return run.Tokens;
    }
}
