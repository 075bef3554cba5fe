using System.Net;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class PageTests(SharedService service)
{
    [Theory]
    [InlineData("/dashboard")]
    [InlineData("/scalar")]
    [InlineData("/openapi/v1.json")]
    public async Task The_silo_shows_its_pages(string path) => Assert.Equal(HttpStatusCode.OK, (await service.Api.GetAsync(path)).Status);
}
