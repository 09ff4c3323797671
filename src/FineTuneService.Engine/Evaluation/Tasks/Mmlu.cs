using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A subject of MMLU (https://arxiv.org/abs/2009.03300), from its CSV files without header: question, A, B, C, D, answer.</summary>
internal static class Mmlu
{
    private const string Letters = "ABCD";

    public static HarnessTask? Find(string name) => HarnessTasks.Rest(name, "mmlu_") is { } subject
        ? new HarnessTask(
            name, $"mmlu/test/{subject}_test.csv", $"mmlu/dev/{subject}_dev.csv", DefaultShots: 0, [new MeanOf("acc"), new MeanOf("acc_norm")],
            inputs => Items(inputs, subject))
        : null;

    private static IEnumerable<TaskItem> Items(TaskInputs inputs, string subject)
    {
        // The first ones in their order, the same for every question.
        IEnumerable<Question> shots = inputs.ReadShots((file, most) => file.Records(most, Parse)).Take(inputs.FewShots);
        string head = $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n"
            + string.Concat(shots.Select(shot => $"{shot.Text} {Letters[shot.Answer]}\n\n"));
        return inputs.Data.Records(inputs.Limit, Parse).Select(question => new ChoiceItem(head + question.Text, " ", ["A", "B", "C", "D"], question.Answer));
    }

    private static Question Parse(int line, IReadOnlyList<string> fields)
    {
        if (fields.Count != 6) throw new DatasetException(line, $"the record has {fields.Count} fields; a question has six: question, A, B, C, D, answer.", kind: "fields");
        int answer = fields[5].Trim() is [var letter] ? Letters.IndexOf(letter) : -1;
        if (answer < 0) throw new DatasetException(line, $"the answer is '{Clip.To(fields[5], 20)}', not A, B, C or D.", kind: "answer");
        return new Question($"{fields[0].Trim()}\nA. {fields[1]}\nB. {fields[2]}\nC. {fields[3]}\nD. {fields[4]}\nAnswer:", answer);
    }

    private sealed record Question(string Text, int Answer);
}
