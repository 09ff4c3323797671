namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>A task to imitate: an instruction, and at least one example of what answers it.</summary>
public sealed record SeedTask(string Instruction, IReadOnlyList<TaskInstance> Instances);

/// <param name="Input">Empty where the instruction needs none.</param>
public sealed record TaskInstance(string Input, string Output);
