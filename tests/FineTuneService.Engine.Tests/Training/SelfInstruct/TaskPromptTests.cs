using FineTuneService.Engine.Training.SelfInstruct;

namespace FineTuneService.Engine.Tests.Training.SelfInstruct;

/// <summary>What models are asked, how their texts are read, and what is kept of them.</summary>
public class TaskPromptTests
{
    [Fact]
    public void ForInstructions_Tasks_AreAListToGoOnWith() => Assert.Equal(
        "Come up with a series of tasks:\n1. Sum two numbers\n2. Say it in two lines\n3.", TaskPrompts.ForInstructions(["Sum two numbers:", "Say it\n in two  lines"]));

    [Theory]
    [InlineData(" one\n4. two lines \n of it\n5. third", false, "One|Two lines of it|Third")]
    [InlineData(" one\n4. two\n5 . thi", true, "One|Two")]
    [InlineData("", false, "")]
    [InlineData("  \n4. \n5. x", false, "X")]
    public void Instructions_List_IsReadLineByLine(string text, bool isCut, string expected) =>
        Assert.Equal(expected, string.Join('|', TaskPrompts.Instructions(new WrittenText(text, isCut))));

    [Fact]
    public void ForAnswers_Examples_AreShownWithTheirInputs() => Assert.EndsWith(
        "Task: Is it even?\nInput: 7\nOutput: no\nInput: 8\nOutput: yes\n\nTask: Write a poem.\nOutput: Waves.\n\nTask: Name a fish.\n",
        TaskPrompts.ForAnswers([new("Is it even?", [new("7", "no"), new("8", "yes")]), new("Write a poem.", [new("", "Waves.")])], "Name a fish."));

    [Theory]
    [InlineData("Input: a\nOutput: b", false, "a>b")]
    [InlineData("Output: b", false, ">b")]
    [InlineData("Input 1: a\nOutput 1: b\nc\nInput 2: d\nOutput 2: e", false, "a>b\nc|d>e")]
    [InlineData("Input: a\nOutput: b\nInput: d\nOutput: e f", true, "a>b")]
    [InlineData("Input: <no input>\nOutput: b", false, ">b")]
    [InlineData("no marks", false, "")]
    [InlineData("Input: a", false, "")]
    public void Instances_Text_IsReadByItsMarks(string text, bool isCut, string expected) =>
        Assert.Equal(expected, string.Join('|', TaskPrompts.Instances(new WrittenText(text, isCut)).Select(instance => $"{instance.Input}>{instance.Output}")));

    [Theory]
    [InlineData("Name the three largest rivers.", null)]
    [InlineData("Name three rivers", "length")]
    [InlineData("Describe the Picture that is attached.", "unsuitable")]
    [InlineData("Describe how pictured scenes differ here.", null)]
    [InlineData("Go to the nearest shop and buy bread.", "unsuitable")]
    [InlineData("Write a program that sums two numbers.", "program")]
    [InlineData("Übersetze den Satz in das Deutsche.", "language")]
    [InlineData("(a) name the largest river here", "punctuation")]
    [InlineData("$ name the largest river here", "punctuation")]
    public void Fault_Instruction_GoesByThePapersRules(string instruction, string? fault) => Assert.Equal(fault, InstructionFilter.Fault(instruction));

    [Fact]
    public void Good_Instances_GoByThePapersRules()
    {
        Assert.Empty(InstanceFilter.Good([new("a", "b"), new("a", "c")]));
        Assert.Equal([new TaskInstance("", "b"), new TaskInstance("", "c")], InstanceFilter.Good([new("", "b"), new("", "c"), new("", "b")]));
        Assert.Equal([new TaskInstance("x", "y")], InstanceFilter.Good([new("a", "a"), new("b", ""), new("c:", "d"), new("e", "as follows: "), new("x", "y")]));
    }
}
