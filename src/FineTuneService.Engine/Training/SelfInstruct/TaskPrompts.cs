using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>The prompts for new instructions and for their answers, and how what a model writes behind them is read.</summary>
public static partial class TaskPrompts
{
    /// <summary>What ends a list of instructions, as in Self-Instruct's code.</summary>
    public static IReadOnlyList<string> InstructionStops { get; } = ["\n\n", "\n16", "16.", "16 ."];

    public static IReadOnlyList<string> AnswerStops { get; } = ["\nTask:", "\n\n\n"];

    /// <summary>A list of tasks to go on with.</summary>
    public static string ForInstructions(IReadOnlyList<string> instructions)
    {
        var prompt = new StringBuilder("Come up with a series of tasks:\n");
        for (int i = 0; i < instructions.Count; i++) prompt.Append($"{i + 1}. {OneLine(instructions[i]).TrimEnd(':')}\n");
        return prompt.Append($"{instructions.Count + 1}.").ToString();
    }

    /// <summary>The instructions of a list that goes on, each on one line, beginning with a capital. The last is left out where the text was cut.</summary>
    public static IReadOnlyList<string> Instructions(WrittenText written)
    {
        string[] parts = Number().Split(written.Text);
        IEnumerable<string> whole = written.IsCut ? parts.SkipLast(1) : parts;
        return [.. whole.Select(OneLine).Where(line => line.Length > 0).Select(line => char.ToUpperInvariant(line[0]) + line[1..])];
    }

    /// <summary>Examples of tasks that are answered, and then the task.</summary>
    public static string ForAnswers(IReadOnlyList<SeedTask> examples, string instruction)
    {
        var prompt = new StringBuilder(
            "Come up with examples for the following tasks. Try to generate multiple examples when possible. If the task doesn't require additional input, you can generate the output directly.\n\n");
        foreach (SeedTask example in examples)
        {
            prompt.Append($"Task: {OneLine(example.Instruction)}\n");
            foreach (TaskInstance instance in example.Instances)
            {
                if (instance.Input.Length > 0) prompt.Append($"Input: {instance.Input.Trim()}\n");
                prompt.Append($"Output: {instance.Output.Trim()}\n");
            }
            prompt.Append('\n');
        }
        return prompt.Append($"Task: {OneLine(instruction)}\n").ToString();
    }

    /// <summary>The instances that a model wrote. The last is left out where the text was cut within it.</summary>
    public static IReadOnlyList<TaskInstance> Instances(WrittenText written)
    {
        var instances = new List<TaskInstance>();
        string input = "";
        Match[] marks = [.. Mark().Matches(written.Text).Cast<Match>()];
        for (int i = 0; i < marks.Length; i++)
        {
            int start = marks[i].Index + marks[i].Length, end = i + 1 < marks.Length ? marks[i + 1].Index : written.Text.Length;
            string text = written.Text[start..end].Trim();
            if (marks[i].ValueSpan.Contains("Input", StringComparison.Ordinal)) input = IsNone(text) ? "" : text;
            else
            {
                if (!written.IsCut || i + 1 < marks.Length) instances.Add(new TaskInstance(input, text));
                input = "";
            }
        }
        return instances;
    }

    private static bool IsNone(string input) => input.TrimStart('<', '[', '(').StartsWith("no input", StringComparison.OrdinalIgnoreCase) || input is "N/A" or "None" or "none";

    private static string OneLine(string text) => Blanks().Replace(text, " ").Trim();

    [GeneratedRegex(@"\n\d+\s?\. ")]
    private static partial Regex Number();

    [GeneratedRegex(@"^(Input|Output)\s*\d*\s*:", RegexOptions.Multiline)]
    private static partial Regex Mark();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
