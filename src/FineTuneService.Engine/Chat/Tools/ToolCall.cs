namespace FineTuneService.Engine.Chat.Tools;

/// <summary>A function that a model asks to be called.</summary>
/// <param name="Arguments">A JSON object's text.</param>
public sealed record ToolCall(string Name, string Arguments);
