using FineTuneService.Engine.Datasets;
using FineTuneService.Files;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Validation;

/// <summary>Swagger UI's example of a validation.</summary>
internal static class ValidationExamples
{
    public static readonly ValidateFileRequest Request = new() { Model = "talers-2m", Training = new TrainingBody { MaxSeqLength = 512, TrainOn = "assistant" }, Examples = 1 };

    public static readonly FileValidationBody Body = new(
        "file.validation", FileExamples.File.Id, "talers-2m", false, true, DatasetFormat.Chat, 240, 239, 14_310, 5_120, new LengthsBody(12, 61.4, 58, 130, 655),
        [new LengthBar(0, 3), new LengthBar(16, 41), new LengthBar(32, 98), new LengthBar(64, 84), new LengthBar(128, 13), new LengthBar(512, 1)], new TruncationBody(512, 1, 143, [88]), 2,
        [new ProblemBody([17, 31], 2, "the last message is the user's; there is no answer to learn.")], [new WarningBody(88, 1, "rows are cut at 512 tokens.")],
        [new ExampleBody(1, "<|user|>\nHi", 0, [new ExampleToken(3, "<|user|>", false, TokenReason.Prompt), new ExampleToken(412, "Hi", true, TokenReason.Answer)])]);
}
