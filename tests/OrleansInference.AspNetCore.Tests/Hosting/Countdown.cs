using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>What the model <c>countdown</c> answers: every number below the one it is asked with, down to 0.</summary>
internal static class Countdown
{
    public static async IAsyncEnumerable<InferenceResponse> RunAsync(InferenceRequest request)
    {
        for (var number = request.Inputs[0].AsSpan<int>()[0] - 1; number >= 0; number--)
        {
            await Task.Yield();
            yield return Respond(number);
        }
    }

    /// <summary>Fails after the given number of responses.</summary>
    public static async IAsyncEnumerable<InferenceResponse> FailAsync(int after, Exception exception)
    {
        for (var number = 100; number > 100 - after; number--) yield return Respond(number);
        await Task.FromException(exception);
    }

    public static InferenceResponse Respond(int number) => new()
    {
        Model = new("countdown", 1),
        Outputs = [InferenceTensor.Create("NUMBER", new[] { number }, 1, 1), InferenceTensor.Create("DONE", new[] { number <= 0 }, 1, 1)],
        IsFinal = number <= 0,
    };
}
