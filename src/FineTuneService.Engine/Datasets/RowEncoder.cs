using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Makes tokens and labels of rows. Loss is on what the model is to say: assistant messages with their end of turn, or the
/// completion and the end-of-sequence token behind it, unless <see cref="LossOn"/> says otherwise.
/// </summary>
/// <param name="chatTemplate">Null for a base model without one: then only chat rows are refused.</param>
/// <param name="maxSequenceLength">Tokens of the longest row; longer ones are cut.</param>
/// <param name="endOfText">The token behind a completion; null takes the tokenizer's own end of sequence.</param>
/// <param name="promptTemplate">What the rows' model or adapter was trained with: chat and Alpaca rows are put into it, as serving puts
/// what it is asked. Null for a model that is about to be trained: chat rows are put into the chat template, Alpaca rows into Stanford's
/// prompt.</param>
/// <param name="stops">Tokens that end an answer when the model serves; null takes the token behind a completion.</param>
/// <param name="vocabularySize">Tokens that the model knows: a row with another one is refused. Null takes whatever the tokenizer gives.</param>
/// <param name="truncation">Which end a row that is too long keeps.</param>
public sealed class RowEncoder(
    Tokenizer tokenizer, ChatTemplate? chatTemplate, int maxSequenceLength, int? endOfText = null, PromptTemplate? promptTemplate = null,
    IReadOnlyList<int>? stops = null, int? vocabularySize = null, Truncation truncation = Truncation.KeepStart)
{
    /// <summary>Tokens of the longest row where nobody says otherwise.</summary>
    private const int LongestSequence = 2048;

    private readonly IReadOnlyList<int> _stops = stops ?? ((endOfText ?? tokenizer.EosId) is { } own ? [own] : []);

    private readonly RowTokens _tokens = new(
        tokenizer, chatTemplate, endOfText ?? tokenizer.EosId, promptTemplate, maxSequenceLength, truncation);

    /// <summary>Which tokens carry loss.</summary>
    public LossOn LossOn
    {
        get => _tokens.LossOn;
        init => _tokens.LossOn = value;
    }

    /// <summary>Whether rows are pairs of a better and a worse answer (DPO); other rows are refused then, and pairs where it is not set.</summary>
    public bool Pairs
    {
        get => _tokens.Pairs;
        init => _tokens.Pairs = value;
    }

    /// <summary>The prompt template that rows of <paramref name="format"/> are put into: the adapter has to keep it.</summary>
    public static PromptTemplate? TemplateOf(DatasetFormat format) => format switch
    {
        DatasetFormat.Alpaca => PromptTemplate.Alpaca,
        DatasetFormat.Dolly => PromptTemplate.Dolly,
        _ => null,
    };

    /// <summary>The encoder of a model's rows, by what the model itself says.</summary>
    /// <param name="maxSequenceLength">Null takes 2,048 tokens; never more than the model was made for.</param>
    /// <param name="stops">The model's <see cref="StopTokens"/>.</param>
    /// <param name="truncation">Null: longer rows stay whole, as packing is to split them.</param>
    public static RowEncoder For(
        ModelConfig model, Tokenizer tokenizer, ChatTemplate? chatTemplate, IReadOnlyList<int> stops, int? maxSequenceLength = null,
        PromptTemplate? promptTemplate = null, LossOn lossOn = LossOn.Answers, bool pairs = false, Truncation? truncation = Truncation.KeepStart)
    {
        // A tokenizer may name no end of text, or one that the model has no row for; another stop token then ends an answer.
        int? endOfText = tokenizer.EosId is { } id && stops.Contains(id) ? id : stops.Count > 0 ? stops[0] : null;
        return new RowEncoder(
            tokenizer, chatTemplate, truncation is null ? int.MaxValue : LongestRow(model, maxSequenceLength), endOfText, promptTemplate, stops,
            model.VocabularySize, truncation ?? Truncation.KeepStart)
        { LossOn = lossOn, Pairs = pairs };
    }

    /// <summary>Tokens of the longest row of a model's.</summary>
    /// <param name="maxSequenceLength">Null takes 2,048 tokens; never more than the model was made for.</param>
    public static int LongestRow(ModelConfig model, int? maxSequenceLength) => Math.Min(maxSequenceLength ?? LongestSequence, model.MaxPositions);

    /// <param name="cancel">Asked before each row.</param>
    public EncodedRows Encode(Dataset dataset, CancellationToken cancel = default) => Encode(dataset.Rows, dataset.FileName, cancel);

    /// <summary>Encodes rows as they come, so that a file's text need not be held.</summary>
    /// <param name="fileName">What messages about the rows begin with.</param>
    /// <param name="cancel">Asked before each row.</param>
    public EncodedRows Encode(IEnumerable<DatasetRow> source, string? fileName = null, CancellationToken cancel = default)
    {
        var rows = new List<TrainingRow>();
        var said = new EncodingReport(fileName);
        foreach (var (_, row) in Each(source, said, cancel)) rows.Add(row);
        return said.Of(rows);
    }

    /// <summary>Encodes rows as they come into a file, so that neither their text nor their tokens need be held.</summary>
    /// <inheritdoc cref="Encode(IEnumerable{DatasetRow}, string?, CancellationToken)"/>
    public EncodedRows Encode(IEnumerable<DatasetRow> source, RowFile rows, string? fileName = null, CancellationToken cancel = default)
    {
        var said = new EncodingReport(fileName);
        foreach (var (_, row) in Each(source, said, cancel)) rows.Add(row);
        return said.Of(rows);
    }

    /// <summary>Encodes rows as they come and hands each over, with what it was made of: none is held, and the answer has no rows.</summary>
    /// <inheritdoc cref="Encode(IEnumerable{DatasetRow}, string?, CancellationToken)"/>
    public EncodedRows Encode(IEnumerable<DatasetRow> source, Action<DatasetRow, TrainingRow> take, string? fileName = null, CancellationToken cancel = default)
    {
        var said = new EncodingReport(fileName);
        foreach (var (row, encoded) in Each(source, said, cancel)) take(row, encoded);
        return said.Of([]);
    }

    /// <summary>All of a row's tokens, also those behind the longest sequence.</summary>
    public TrainingRow Whole(DatasetRow row) => Tokens(int.MaxValue, LossOn).Encode(row, new WarningList(null));

    /// <summary>Why each token of a row that <see cref="Encode(IEnumerable{DatasetRow}, Action{DatasetRow, TrainingRow}, string?, CancellationToken)"/> gave carries loss, or not.</summary>
    public ExplainedRow Explain(DatasetRow row, TrainingRow encoded)
    {
        if (row is PreferenceRow pair)
        {
            // Of a pair, all of each answer counts.
            var reasons = new TokenReasons(lossOn => Tokens(maxSequenceLength, lossOn, pairs: false), _stops, LossOn.Completion);
            return new ExplainedRow(encoded, reasons.Of(pair.Chosen, encoded)) { Rejected = new ExplainedRow(encoded.Rejected!, reasons.Of(pair.Rejected, encoded.Rejected!)) };
        }
        return new ExplainedRow(encoded, new TokenReasons(lossOn => Tokens(maxSequenceLength, lossOn), _stops, LossOn).Of(row, encoded));
    }

    private RowTokens Tokens(int longest, LossOn lossOn, bool? pairs = null) =>
        new(tokenizer, chatTemplate, endOfText ?? tokenizer.EosId, promptTemplate, longest, truncation) { LossOn = lossOn, Pairs = pairs ?? Pairs };

    /// <summary>The rows that have something to learn, cut where they are too long.</summary>
    private IEnumerable<(DatasetRow Row, TrainingRow Encoded)> Each(IEnumerable<DatasetRow> source, EncodingReport said, CancellationToken cancel)
    {
        var kept = 0;
        foreach (var row in source)
        {
            cancel.ThrowIfCancellationRequested();
            if (TryEncode(row, said) is { } encoded)
            {
                if (said.Keep(row.Line, encoded, Cut(encoded), _stops) is not { } good) continue;
                kept++;
                yield return (row, good);
            }
            else if (said.Problems.IsFull)
            {
                said.Problems.SayStopped(kept);
                break;
            }
        }
        if (kept == 0 && said.Problems.Count == 0) said.Problems.Add(new DatasetProblem(0, "no row has a token to learn."));
    }

    private TrainingRow Cut(TrainingRow row)
    {
        TrainingRow? rejected = row.Rejected is null ? null : Cut(row.Rejected);
        if (row.Ids.Length <= maxSequenceLength) return row with { Rejected = rejected };
        Range kept = truncation == Truncation.KeepStart ? ..maxSequenceLength : ^maxSequenceLength..;
        return new TrainingRow(row.Ids[kept], row.Labels[kept]) { Rejected = rejected };
    }

    /// <returns>Null where the row is no good, which is then a problem.</returns>
    private TrainingRow? TryEncode(DatasetRow row, EncodingReport said)
    {
        try
        {
            var encoded = _tokens.Encode(row, said.Warnings);
            if (vocabularySize is not { } size) return encoded;
            var kept = Cut(encoded);
            if (kept.Ids.Concat(kept.Rejected?.Ids ?? []).FirstOrDefault(id => id >= size, -1) is not (>= 0 and var unknown)) return encoded;
            said.Problems.Add(new DatasetProblem(row.Line,
                $"token {unknown} ('{Clip.To(tokenizer.Decode([unknown], skipSpecialTokens: false), 40)}') is not one of the model's {size}: its tokenizer knows more tokens than its weights have; use another base, or leave the token out."), $"token {unknown}");
        }
        catch (ChatTemplateException refused)
        {
            said.Problems.Add(new DatasetProblem(row.Line, refused.Message));
        }
        catch (DatasetException refused)
        {
            said.Problems.Add(refused.Problem, refused.Kind);
        }
        return null;
    }
}
