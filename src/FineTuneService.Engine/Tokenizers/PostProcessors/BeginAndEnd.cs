namespace FineTuneService.Engine.Tokenizers.PostProcessors;

/// <summary>
/// A post-processor with tokenizer_config.json's add_bos_token and add_eos_token laid over it, as transformers does: what it adds is
/// added once, what it forbids is taken out of the post-processor's template. What it does not mention stays as it is.
/// </summary>
internal static class BeginAndEnd
{
    /// <param name="bos">Null where no BOS is named: then there is nothing to add or leave out.</param>
    public static PostProcessor? Apply(PostProcessor? processor, bool? addBos, (int Id, string Token)? bos, bool? addEos, (int Id, string Token)? eos)
    {
        var (begin, end) = (bos is null ? null : addBos, eos is null ? null : addEos);
        if (begin is null && end is null) return processor;
        var (hasBegin, hasEnd) = (false, false);
        var changed = processor is null ? null : Change(processor);
        var (putsBegin, putsEnd) = (begin == true && !hasBegin, end == true && !hasEnd);
        if (!putsBegin && !putsEnd) return changed;
        var template = new List<IReadOnlyList<(int, string)>?> { null };
        if (putsBegin) template.Insert(0, [bos!.Value]);
        if (putsEnd) template.Add([eos!.Value]);
        var added = new TemplatePostProcessor(template);
        return changed is null ? added : new PostProcessorSequence([changed, added]);

        PostProcessor Change(PostProcessor one) => one switch
        {
            PostProcessorSequence sequence => new PostProcessorSequence([.. sequence.Processors.Select(Change)]),
            TemplatePostProcessor own => new TemplatePostProcessor([.. Parts(own.Template)]),
            _ => one,
        };

        IEnumerable<IReadOnlyList<(int Id, string Token)>?> Parts(IReadOnlyList<IReadOnlyList<(int Id, string Token)>?> parts)
        {
            var behind = false;
            foreach (var part in parts)
            {
                behind |= part is null;
                var isBegin = !behind && part is not null && part.Any(token => token.Id == bos?.Id);
                var isEnd = behind && part is not null && part.Any(token => token.Id == eos?.Id);
                hasBegin |= isBegin;
                hasEnd |= isEnd;
                if (!(isBegin && begin == false) && !(isEnd && end == false)) yield return part;
            }
        }
    }
}
