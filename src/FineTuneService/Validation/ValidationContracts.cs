using FineTuneService.Engine.Datasets;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Validation;

/// <summary>The body of POST /v1/files/{id}/validate: what a job on the file would be given. The fields that do not bear on its data are taken and do nothing.</summary>
public sealed record ValidateFileRequest
{
    /// <summary>A base model's name: its tokenizer and templates make the tokens.</summary>
    public required string Model { get; init; }
    public string? Preset { get; init; }

    /// <summary>supervised unless given; dpo reads pairs.</summary>
    public MethodBody? Method { get; init; }

    /// <summary>max_seq_length and train_on say what is cut and what carries loss.</summary>
    public TrainingBody? Training { get; init; }
    public DatasetBody? Dataset { get; init; }

    /// <summary>A chat template instead of the base's.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>So many of the first rows are shown token by token, 0 to 20; 0 unless given.</summary>
    public int? Examples { get; init; }

    internal CreateJobRequest AsJob(string file) => new() { Model = Model, TrainingFile = file, Preset = Preset, Method = Method, Training = Training, Dataset = Dataset, ChatTemplate = ChatTemplate };
}

/// <summary>What a job would make of a file.</summary>
/// <param name="Valid">A job would train on it.</param>
/// <param name="Complete">All of it was read: not so behind 200 bad rows, or where it takes longer than a minute.</param>
/// <param name="Format">Of the rows; absent where there is none.</param>
/// <param name="Rows">That were read and are well formed.</param>
/// <param name="TrainedRows">Those that have something to learn.</param>
/// <param name="Tokens">Of one pass over them, as they are cut.</param>
/// <param name="TrainedTokens">Those that carry loss.</param>
/// <param name="Lengths">Of the rows, whole; absent where there is none.</param>
/// <param name="ProblemCount">Rows with a problem.</param>
public sealed record FileValidationBody(
    string Object, string File, string Model, bool Valid, bool Complete, DatasetFormat? Format, int Rows, int TrainedRows, long Tokens, long TrainedTokens, LengthsBody? Lengths,
    IReadOnlyList<LengthBar> Histogram, TruncationBody Truncation, int ProblemCount, IReadOnlyList<ProblemBody> Problems, IReadOnlyList<WarningBody> Warnings,
    IReadOnlyList<ExampleBody>? Examples);

/// <summary>Tokens of a row; of a pair, those of the longer answer.</summary>
public sealed record LengthsBody(int Min, double Mean, double P50, double P95, int Max);

/// <param name="From">Tokens of the shortest row that is counted here; the next bar's from is the first that is not.</param>
public sealed record LengthBar(int From, int Rows);

/// <param name="MaxSeqLength">Tokens after which rows are cut: what was asked for, or the model's own limit.</param>
/// <param name="Rows">That are longer.</param>
/// <param name="Tokens">That they lose.</param>
/// <param name="Lines">Of the first 100 of them.</param>
public sealed record TruncationBody(int MaxSeqLength, int Rows, long Tokens, IReadOnlyList<int> Lines);

/// <param name="Lines">Of the rows that have it, from 1; empty where it is about the whole file.</param>
/// <param name="Count">How many rows have it; 0 where it says that the rest was not read.</param>
public sealed record ProblemBody(IReadOnlyList<int> Lines, int Count, string Message);

/// <param name="Line">The first that has it; absent where it is about the whole file.</param>
/// <param name="Count">How many lines have it.</param>
public sealed record WarningBody(int? Line, int Count, string Message);

/// <summary>A row as the model is trained on it.</summary>
/// <param name="Text">All of its tokens together.</param>
/// <param name="CutTokens">That are no longer there.</param>
/// <param name="Rejected">The worse answer of a pair, with its prompt.</param>
public sealed record ExampleBody(int Line, string Text, int CutTokens, IReadOnlyList<ExampleToken> Tokens, ExampleBody? Rejected = null);

/// <param name="Text">What stands for it in the text; a part of a character is written as U+FFFD.</param>
/// <param name="Why">answer, end (of an answer) and text (all of it is learnt) carry loss. prompt, earlier_answer (an answer within the prompt), unweighted (an
/// answer of weight 0) and first (nothing stands before it) do not.</param>
public sealed record ExampleToken(int Id, string Text, bool Loss, TokenReason Why);
